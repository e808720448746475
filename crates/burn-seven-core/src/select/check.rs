//! What can be known to be wrong before there are scores.

use super::{Layout, Selector};
use crate::budget::{Goal, Part, Pool};
use crate::mask::Masks;
use crate::{Error, Sparsity};

impl Selector {
    /// Checks that budget and structures can reach `target`.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaSparsity`], [`Error::QuotaTooLarge`], [`Error::MinimumTooLarge`] or
    /// [`Error::InvalidBudget`].
    pub(crate) fn check(&self, target: Sparsity, layout: &Layout) -> Result<(), Error> {
        let parts = dense_parts(layout);
        self.budget().check(&parts)?;
        let total: usize = parts.iter().map(Part::count).sum();
        let (kept, most) = (self.kept_at(target.into(), layout)?, target.kept(total));
        if kept > most {
            return Err(Error::InvalidBudget {
                budget: self.budget_name(),
                path: parts.first().map_or("none", |part| part.path()).to_string(),
                reason: format!(
                    "it keeps {kept} entries of {total}, more than the {most} that may stay"
                ),
            });
        }
        for pool in self.pools(target.into(), &layout.sets, &parts)? {
            let counts = pool.parts.iter().map(|&index| parts[index].count());
            let total: usize = counts.sum();
            let quota = |&index: &usize| {
                let quota = layout.sets[index].quota?;
                Some(quota.kept(parts[index].count()))
            };
            let fixed: Option<usize> = pool.parts.iter().map(quota).sum();
            if let Some(fixed) = fixed.filter(|&fixed| fixed != pool.keep) {
                let share = |kept: usize| (total as f64 - kept as f64) / total as f64;
                return Err(Error::QuotaSparsity {
                    structure: self.structures_name(),
                    expected: share(fixed),
                    found: share(pool.keep),
                });
            }
            for index in &pool.parts {
                let required = self.floor().of(parts[*index].count(), target);
                if let Some(kept) = quota(index).filter(|&kept| kept < required) {
                    return Err(Error::MinimumTooLarge { required, kept });
                }
            }
            let minimum = |&index: &usize| {
                let size = layout.sets[index].size;
                let floor = self.floor().of(parts[index].count(), target);
                floor.div_ceil(size) * size
            };
            self.check_room(&pool, pool.parts.iter().map(minimum).sum())?;
        }
        Ok(())
    }

    /// Checks that quotas can be had of what `masks` keep.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaOfSparse`]
    pub(crate) fn check_sparse(&self, masks: &Masks, layout: &Layout) -> Result<(), Error> {
        for set in &layout.sets {
            let Some(quota) = set.quota else { continue };
            let (weight, _) = &set.members[0];
            let weight = &layout.weights[*weight];
            let mask = masks.find(weight.path(), weight.shape())?;
            if mask.is_dense() {
                continue;
            }
            let scores = mask.pruned().clone().bool_not().float();
            let reserved = quota.reserve(mask.shape(), scores, mask.pruned().clone(), false);
            let count = reserved.int().sum().into_scalar::<i64>() as usize;
            if count != quota.kept(mask.total()) {
                return Err(Error::QuotaOfSparse {
                    structure: self.structures_name(),
                    path: mask.path().to_string(),
                });
            }
        }
        Ok(())
    }

    /// How many entries the budget keeps at a sparsity.
    pub(crate) fn kept_at(&self, goal: Goal, layout: &Layout) -> Result<usize, Error> {
        let pools = self.pools(goal, &layout.sets, &dense_parts(layout))?;
        Ok(pools.iter().map(|pool| pool.keep).sum())
    }

    /// Checks that a pool of several parts has room for all of their floors. A part alone in its
    /// pool is held at its floor whatever its count.
    pub(super) fn check_room(&self, pool: &Pool, required: usize) -> Result<(), Error> {
        match pool.parts.len() > 1 && required > pool.keep {
            true => Err(Error::MinimumTooLarge {
                required,
                kept: pool.keep,
            }),
            false => Ok(()),
        }
    }
}

/// Parts of which nothing is pruned.
fn dense_parts(layout: &Layout) -> Vec<Part<'_>> {
    let part = |set| {
        let part = layout.part(set, 0);
        Part {
            candidates: part.count(),
            ..part
        }
    };
    layout.sets.iter().map(part).collect()
}
