//! Putting masks into a model's autodiff graph.

use burn::module::{Module, Param, Reparameterizer};
use burn::tensor::Tensor;

use super::{Masks, PruningMask};

/// Attaches `masks` to the weights of the same paths. The model should carry no reparameterization.
pub(crate) fn attach<M: Module>(model: M, masks: &Masks, dense_gradient: bool) -> M {
    model.apply_reparameterization(Attach {
        masks,
        dense_gradient,
    })
}

struct Attach<'a> {
    masks: &'a Masks,
    dense_gradient: bool,
}

impl Reparameterizer for Attach<'_> {
    type Reparam = PruningMask;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<PruningMask>) {
        let mask = self.masks.get(path).map(|mask| PruningMask {
            pruned: Param::initialized(mask.stamp(), mask.pruned().clone()),
            dense_gradient: self.dense_gradient,
        });
        (param, mask)
    }
}
