//! All weights compete.

use super::{Budget, Layer, Pool};
use crate::Sparsity;

/// One threshold over all weights together: `floor(density · N)` of all `N` stay. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct GlobalBudget;

impl Budget for GlobalBudget {
    fn name(&self) -> &'static str {
        "global"
    }

    fn allocate(&self, sparsity: Sparsity, layers: &[Layer<'_>]) -> Vec<Pool> {
        let total = layers.iter().map(Layer::count).sum();
        let candidates = layers.iter().map(|layer| layer.candidates).sum();
        vec![Pool {
            layers: (0..layers.len()).collect(),
            keep: sparsity.kept(total).min(candidates),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 12 + 8 = 20 weights; a quarter is 5, all in one pool; with 3 candidates left it is 3.
    #[test]
    fn one_pool_keeps_the_floor_of_the_share_of_all() {
        let layer = |shape, candidates| Layer {
            path: "w",
            shape,
            candidates,
        };
        let sparsity = Sparsity::new(0.75).unwrap();
        let layers = [layer(&[3, 4], 12), layer(&[2, 4], 8)];
        let expected = Pool {
            layers: vec![0, 1],
            keep: 5,
        };
        assert_eq!(GlobalBudget.allocate(sparsity, &layers), [expected]);

        let left = [layer(&[3, 4], 2), layer(&[2, 4], 1)];
        assert_eq!(GlobalBudget.allocate(sparsity, &left)[0].keep, 3);
    }
}
