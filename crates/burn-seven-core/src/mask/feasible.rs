//! What can be known to be wrong with a budget and a pattern, and what they answer, checked.

use super::{Mask, Masks, Selector};
use crate::budget::{Layer, Pool};
use crate::pattern::Ranked;
use crate::{Error, Sparsity};

impl Selector {
    /// Checks, before any work, that budget and pattern can reach `target` on weights of these
    /// paths and shapes.
    ///
    /// # Errors
    ///
    /// [`Error::PatternShape`], [`Error::PatternSparsity`], [`Error::MinimumTooLarge`] or
    /// [`Error::InvalidBudget`].
    pub fn check(&self, target: Sparsity, shapes: &[(&str, &[usize])]) -> Result<(), Error> {
        for (path, shape) in shapes {
            self.pattern.check(path, shape)?;
        }
        let layers = dense_layers(shapes);
        for pool in self.pools(target, &layers)? {
            let counts = || pool.layers.iter().map(|&index| layers[index].count());
            let total: usize = counts().sum();
            let fixed: Option<usize> = pool
                .layers
                .iter()
                .map(|&index| self.pattern.reserved_count(layers[index].shape))
                .sum();
            if let Some(fixed) = fixed.filter(|&fixed| fixed != pool.keep) {
                let share = |kept: usize| (total as f64 - kept as f64) / total as f64;
                return Err(Error::PatternSparsity {
                    pattern: self.pattern.name(),
                    expected: share(fixed),
                    found: share(pool.keep),
                });
            }
            for &index in &pool.layers {
                let fixed = self.pattern.reserved_count(layers[index].shape);
                if let Some(kept) = fixed.filter(|&fixed| fixed < self.min_kept) {
                    let required = self.min_kept;
                    return Err(Error::MinimumTooLarge { required, kept });
                }
            }
            self.check_room(&pool, &layers)?;
        }
        Ok(())
    }

    /// Checks, before any work, that the pattern can be formed of what `masks` keep.
    ///
    /// # Errors
    ///
    /// [`Error::PatternOfSparse`]
    pub(crate) fn check_sparse(&self, masks: &Masks) -> Result<(), Error> {
        for mask in masks
            .iter()
            .filter(|mask| self.pattern.reserves() && mask.kept() < mask.total())
        {
            let kept = mask.to_vec();
            let reserved = self.reserve(mask, &vec![0; kept.len()], &kept, &kept)?;
            let count = reserved.iter().filter(|&&reserved| reserved).count();
            if self
                .pattern
                .reserved_count(mask.shape())
                .is_some_and(|fixed| count != fixed)
            {
                return Err(Error::PatternOfSparse {
                    pattern: self.pattern.name(),
                    path: mask.path().to_string(),
                });
            }
        }
        Ok(())
    }

    /// How many of these weights the budget keeps at a sparsity.
    pub(crate) fn kept_at(
        &self,
        sparsity: Sparsity,
        shapes: &[(&str, &[usize])],
    ) -> Result<usize, Error> {
        let layers = dense_layers(shapes);
        Ok(self
            .pools(sparsity, &layers)?
            .iter()
            .map(|pool| pool.keep)
            .sum())
    }

    /// Checks that a pool of several layers has room for all of their minimums. A layer alone in
    /// its pool is held at its minimum whatever its count.
    pub(super) fn check_room(&self, pool: &Pool, layers: &[Layer<'_>]) -> Result<(), Error> {
        let minimum = |&index: &usize| layers[index].candidates.min(self.min_kept);
        let required: usize = pool.layers.iter().map(minimum).sum();
        if pool.layers.len() > 1 && required > pool.keep {
            return Err(Error::MinimumTooLarge {
                required,
                kept: pool.keep,
            });
        }
        Ok(())
    }

    /// The budget's pools, checked to name every layer once and keep no more than there is.
    pub(super) fn pools(
        &self,
        sparsity: Sparsity,
        layers: &[Layer<'_>],
    ) -> Result<Vec<Pool>, Error> {
        let pools = self.budget.allocate(sparsity, layers);
        let invalid = |path: &str, reason: String| Error::InvalidBudget {
            budget: self.budget.name(),
            path: path.to_string(),
            reason,
        };
        for (index, layer) in layers.iter().enumerate() {
            let named = pools.iter().flat_map(|pool| &pool.layers);
            let count = named.filter(|&&named| named == index).count();
            if count != 1 {
                return Err(invalid(
                    layer.path,
                    format!("it is in {count} pools, not in 1"),
                ));
            }
        }
        for pool in &pools {
            let layer = |&index: &usize| {
                let count = layers.len();
                let none = || invalid("none", format!("layer {index} of {count} is named"));
                layers.get(index).ok_or_else(none)
            };
            let all = pool
                .layers
                .iter()
                .map(layer)
                .collect::<Result<Vec<_>, _>>()?;
            let candidates: usize = all.iter().map(|layer| layer.candidates).sum();
            if pool.keep > candidates {
                let reason = format!("{} of {candidates} entries are to be kept", pool.keep);
                return Err(invalid(
                    all.first().map_or("none", |layer| layer.path),
                    reason,
                ));
            }
        }
        Ok(pools)
    }

    /// What the pattern reserves, checked.
    pub(super) fn reserve(
        &self,
        mask: &Mask,
        keys: &[u32],
        eligible: &[bool],
        kept: &[bool],
    ) -> Result<Vec<bool>, Error> {
        let reserved = self.pattern.reserve(Ranked {
            shape: mask.shape(),
            keys,
            eligible,
            kept,
        });
        let invalid = |reason: String| Error::InvalidPattern {
            pattern: self.pattern.name(),
            path: mask.path().to_string(),
            reason,
        };
        if reserved.len() != keys.len() {
            let reason = format!("{} flags for {} entries", reserved.len(), keys.len());
            return Err(invalid(reason));
        }
        if reserved
            .iter()
            .zip(eligible)
            .any(|(reserved, eligible)| *reserved && !eligible)
        {
            return Err(invalid(
                "an entry that cannot be kept is among them".to_string(),
            ));
        }
        Ok(reserved)
    }
}

/// Layers of which nothing is pruned.
fn dense_layers<'a>(shapes: &[(&'a str, &'a [usize])]) -> Vec<Layer<'a>> {
    let layer = |&(path, shape): &(&'a str, &'a [usize])| Layer {
        path,
        shape,
        candidates: shape.iter().product(),
    };
    shapes.iter().map(layer).collect()
}
