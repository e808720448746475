//! Every weight tensor at the same sparsity.

use super::{Budget, Goal, Part, Pool};

/// The same sparsity in every weight tensor: `floor(density · n)` of its `n` entries stay.
#[derive(Debug, Clone, Copy, Default)]
pub struct UniformBudget;

impl Budget for UniformBudget {
    fn name(&self) -> String {
        "uniform".to_string()
    }

    fn allocate(&self, goal: Goal, parts: &[Part<'_>]) -> Vec<Pool> {
        let pool = |(index, part): (usize, &Part<'_>)| Pool {
            parts: vec![index],
            keep: goal.sparsity.kept(part.count()).min(part.candidates),
        };
        parts.iter().enumerate().map(pool).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sparsity;

    // A quarter of 12 is 3, of 10 it is 2.5, so 2.
    #[test]
    fn each_tensor_keeps_the_floor_of_its_own_share() {
        let part = |shape: &'static [usize]| Part {
            paths: vec!["w"],
            fixed: false,
            shapes: vec![shape],
            candidates: 12,
        };
        let pools = UniformBudget.allocate(
            Sparsity::new(0.75).unwrap().into(),
            &[part(&[3, 4]), part(&[2, 5])],
        );
        let keeps: Vec<usize> = pools.iter().map(|pool| pool.keep).collect();
        assert_eq!(keeps, [3, 2]);
    }
}
