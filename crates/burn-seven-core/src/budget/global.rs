//! All weights compete.

use super::{Budget, Goal, Part, Pool};

/// One threshold over all weights together: `floor(density · N)` of all `N` stay. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct GlobalBudget;

impl Budget for GlobalBudget {
    fn name(&self) -> String {
        "global".to_string()
    }

    fn allocate(&self, goal: Goal, parts: &[Part<'_>]) -> Vec<Pool> {
        let total = parts.iter().map(Part::count).sum();
        let candidates = parts.iter().map(|part| part.candidates).sum();
        vec![Pool {
            parts: (0..parts.len()).collect(),
            keep: goal.sparsity.kept(total).min(candidates),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sparsity;

    // 12 + 8 = 20 weights; a quarter is 5, all in one pool; with 3 candidates left it is 3.
    #[test]
    fn one_pool_keeps_the_floor_of_the_share_of_all() {
        let part = |shape: &'static [usize], candidates| Part {
            paths: vec!["w"],
            fixed: false,
            shapes: vec![shape],
            candidates,
        };
        let sparsity = Sparsity::new(0.75).unwrap();
        let parts = [part(&[3, 4], 12), part(&[2, 4], 8)];
        let expected = Pool {
            parts: vec![0, 1],
            keep: 5,
        };
        assert_eq!(GlobalBudget.allocate(sparsity.into(), &parts), [expected]);

        let left = [part(&[3, 4], 2), part(&[2, 4], 1)];
        assert_eq!(GlobalBudget.allocate(sparsity.into(), &left)[0].keep, 3);
    }
}
