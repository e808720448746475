//! Every weight tensor at the same sparsity.

use super::{Budget, Layer, Pool};
use crate::Sparsity;

/// The same sparsity in every weight tensor: `floor(density · n)` of its `n` entries stay.
#[derive(Debug, Clone, Copy, Default)]
pub struct UniformBudget;

impl Budget for UniformBudget {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn allocate(&self, sparsity: Sparsity, layers: &[Layer<'_>]) -> Vec<Pool> {
        let pool = |(index, layer): (usize, &Layer<'_>)| Pool {
            layers: vec![index],
            keep: sparsity.kept(layer.count()).min(layer.candidates),
        };
        layers.iter().enumerate().map(pool).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A quarter of 12 is 3, of 10 it is 2.5, so 2.
    #[test]
    fn each_tensor_keeps_the_floor_of_its_own_share() {
        let layer = |shape| Layer {
            path: "w",
            shape,
            candidates: 12,
        };
        let pools = UniformBudget.allocate(
            Sparsity::new(0.75).unwrap(),
            &[layer(&[3, 4]), layer(&[2, 5])],
        );
        let keeps: Vec<usize> = pools.iter().map(|pool| pool.keep).collect();
        assert_eq!(keeps, [3, 2]);
    }
}
