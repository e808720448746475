//! How many entries of which parts stay: the budget's answer, checked, with quotas set apart.

use super::Selector;
use super::layout::UnitSet;
use crate::budget::{Goal, Part, Pool};
use crate::{Error, Sparsity};

impl Selector {
    /// The pools of these parts. A part with a quota has the quota's share, as far as the schedule
    /// is on its way; where only some parts have one, the others share what is left of the total.
    pub(super) fn pools(
        &self,
        goal: Goal,
        sets: &[UnitSet],
        parts: &[Part<'_>],
    ) -> Result<Vec<Pool>, Error> {
        let free: Vec<usize> = (0..sets.len())
            .filter(|&index| sets[index].quota.is_none())
            .collect();
        if free.len() == sets.len() || free.is_empty() {
            return self.allocate(goal, parts);
        }
        let mut pools = Vec::new();
        let total: usize = parts.iter().map(Part::count).sum();
        let mut left = goal.sparsity.kept(total);
        let mut fixed_at_end = 0;
        for (index, part) in parts.iter().enumerate() {
            let Some(quota) = sets[index].quota else {
                continue;
            };
            let (count, last) = (part.count(), quota.kept(part.count()));
            fixed_at_end += last;
            let gone = ((count - last) as f64 * goal.progress()).round() as usize;
            let keep = (count - gone).min(part.candidates);
            left = left.checked_sub(keep).ok_or_else(|| Error::QuotaTooLarge {
                structure: self.structures_name(),
                kept: goal.sparsity.kept(total),
            })?;
            pools.push(Pool {
                parts: vec![index],
                keep,
            });
        }
        let others: Vec<Part<'_>> = free.iter().map(|&index| parts[index].clone()).collect();
        let count: usize = others.iter().map(Part::count).sum();
        let share = |kept: usize| match kept {
            // No sparsity is 1: the budget is asked for one entry, and given none.
            0 => Sparsity::of_counts(1, count),
            kept => Sparsity::of_counts(kept.min(count), count),
        };
        // The others are on their own way, to what is left of the total at its end.
        let end = goal.target.kept(total).saturating_sub(fixed_at_end);
        let goal = Goal {
            sparsity: share(left)?,
            target: share(end.min(left))?,
        };
        for mut pool in self.allocate(goal, &others)? {
            pool.parts.iter_mut().for_each(|part| *part = free[*part]);
            pool.keep = if left == 0 { 0 } else { pool.keep };
            pools.push(pool);
        }
        Ok(pools)
    }

    /// The budget's pools, checked to name every part once and keep no more than there is.
    fn allocate(&self, goal: Goal, parts: &[Part<'_>]) -> Result<Vec<Pool>, Error> {
        let pools = self.budget().allocate(goal, parts);
        let invalid = |path: &str, reason: String| Error::InvalidBudget {
            budget: self.budget().name(),
            path: path.to_string(),
            reason,
        };
        for (index, part) in parts.iter().enumerate() {
            let named = pools.iter().flat_map(|pool| &pool.parts);
            let count = named.filter(|&&named| named == index).count();
            if count != 1 {
                let reason = format!("it is in {count} pools, not in 1");
                return Err(invalid(part.path(), reason));
            }
        }
        for pool in &pools {
            let Some(&first) = pool.parts.first() else {
                continue;
            };
            let path = parts.get(first).map_or("none", |part| part.path());
            if pool.parts.iter().any(|&index| index >= parts.len()) {
                return Err(invalid(
                    path,
                    "a pool names a weight that is not there".to_string(),
                ));
            }
            if !pool.parts.is_sorted() {
                return Err(invalid(
                    path,
                    "its pool is not in ascending order".to_string(),
                ));
            }
            let most: usize = pool
                .parts
                .iter()
                .map(|&index| parts[index].candidates)
                .sum();
            if pool.keep > most {
                let reason = format!("its pool keeps {} of {most}", pool.keep);
                return Err(invalid(path, reason));
            }
        }
        Ok(pools)
    }
}
