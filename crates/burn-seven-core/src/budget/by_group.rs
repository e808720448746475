//! A sparsity of its own for some weights.

use burn::module::{ParamGroup, ParamId};

use super::{Budget, Goal, Part, Pool};
use crate::weights::check_names;
use crate::{Error, Sparsity};

/// A sparsity of its own for the weights of each group, by path; all others compete for what is left
/// of the total.
///
/// Each weight of a group ends on the group's sparsity, `floor(density · n)` of its entries. On the
/// way there it has the same share of its sparsity as the schedule has of its target. The total stays
/// the schedule's: where groups leave more or less than it asks for, the others make up for it. A
/// weight in several groups is of the first; units that span weights are in a group if one of these
/// is. A group that matches nothing, or what an N:M structure decides on, is an error when the pruner
/// is made.
///
/// ```
/// use burn::module::ParamGroup;
/// use burn_seven_core::{GroupBudget, Sparsity};
///
/// # fn main() -> Result<(), burn_seven_core::Error> {
/// let budget = GroupBudget::new()
///     .with(ParamGroup::from_paths(vec!["head.weight"]), Sparsity::new(0.5)?)
///     .with(ParamGroup::from_predicate("encoder.layers.0."), Sparsity::DENSE);
/// # let _ = budget;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct GroupBudget {
    groups: Vec<(ParamGroup, Sparsity)>,
}

impl GroupBudget {
    /// No group yet: all compete.
    pub fn new() -> Self {
        Self::default()
    }

    /// The weights of `group`, by path, end on `sparsity`.
    pub fn with(mut self, group: ParamGroup, sparsity: Sparsity) -> Self {
        self.groups.push((group, sparsity));
        self
    }

    fn sparsity_of(&self, part: &Part<'_>) -> Option<Sparsity> {
        let mut groups = self.groups.iter();
        let (_, sparsity) = groups.find(|(group, _)| matches(group, part))?;
        Some(*sparsity)
    }
}

fn matches(group: &ParamGroup, part: &Part<'_>) -> bool {
    let mut paths = part.paths.iter();
    paths.any(|path| group.matches(&ParamId::from(0), Some(path)))
}

impl Budget for GroupBudget {
    fn name(&self) -> String {
        let groups = serde_json::to_string(&self.groups).unwrap_or_default();
        format!("by group {groups}")
    }

    fn check(&self, parts: &[Part<'_>]) -> Result<(), Error> {
        for (group, _) in &self.groups {
            let mut matched = parts.iter().filter(|part| matches(group, part)).peekable();
            if matched.peek().is_none() {
                return Err(Error::NothingLeftOut {
                    group: format!("{group:?}"),
                });
            }
            check_names(
                group,
                parts.iter().flat_map(|part| part.paths.iter().copied()),
            )?;
            if let Some(fixed) = matched.find(|part| part.fixed) {
                return Err(Error::InvalidBudget {
                    budget: self.name(),
                    path: fixed.path().to_string(),
                    reason: "its structure says how much of it stays".to_string(),
                });
            }
        }
        Ok(())
    }

    fn allocate(&self, goal: Goal, parts: &[Part<'_>]) -> Vec<Pool> {
        let total = parts.iter().map(Part::count).sum();
        let mut left = goal.sparsity.kept(total);
        let mut pools = Vec::new();
        let mut others = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let Some(sparsity) = self.sparsity_of(part) else {
                others.push(index);
                continue;
            };
            let now = Sparsity::new(sparsity.value() * goal.progress()).unwrap_or(sparsity);
            let keep = now.kept(part.count()).min(part.candidates);
            left = left.saturating_sub(keep);
            pools.push(Pool {
                parts: vec![index],
                keep,
            });
        }
        if !others.is_empty() {
            let candidates = others.iter().map(|&index| parts[index].candidates).sum();
            pools.push(Pool {
                parts: others,
                keep: left.min(candidates),
            });
        }
        pools
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(budget: &GroupBudget, sparsity: f64, target: f64) -> Vec<(Vec<usize>, usize)> {
        let part = |path| Part {
            paths: vec![path],
            fixed: false,
            shapes: vec![&[10, 10]],
            candidates: 100,
        };
        let goal = Goal {
            sparsity: Sparsity::new(sparsity).unwrap(),
            target: Sparsity::new(target).unwrap(),
        };
        let pools = budget.allocate(goal, &[part("a"), part("head"), part("b")]);
        pools
            .into_iter()
            .map(|pool| (pool.parts, pool.keep))
            .collect()
    }

    #[test]
    fn a_group_that_matches_nothing_is_an_error() {
        let part = Part {
            paths: vec!["a"],
            fixed: false,
            shapes: vec![&[10, 10]],
            candidates: 100,
        };
        let group = |path: &str| ParamGroup::from_paths(vec![path]);
        let budget = GroupBudget::new().with(group("a"), Sparsity::DENSE);
        assert!(budget.check(std::slice::from_ref(&part)).is_ok());
        let misspelt = budget.with(group("b"), Sparsity::DENSE);
        assert!(misspelt.check(&[part]).is_err());
    }

    // 0.8 of 300 leaves 60; the head ends on 0.5, which is 50, so 10 are left for the others. Half way
    // the head is at 0.25 and keeps 75 of the 180.
    #[test]
    fn others_share_what_a_group_leaves_of_the_total() {
        let head = ParamGroup::from_paths(vec!["head"]);
        let budget = GroupBudget::new().with(head, Sparsity::new(0.5).unwrap());
        assert_eq!(pools(&budget, 0.8, 0.8), [(vec![1], 50), (vec![0, 2], 10)]);
        assert_eq!(pools(&budget, 0.4, 0.8), [(vec![1], 75), (vec![0, 2], 105)]);
    }
}
