//! Changing a model's masks, and zeroing what they prune.

use burn::module::{Module, Param};
use burn::tensor::{Bool, Tensor};

use super::Masks;
use crate::kernels;
use crate::weights::walk::{self, Change};
use crate::weights::{NewValues, change};

/// Replaces the masks in a model's graph.
pub(crate) fn update<M: Module>(model: M, masks: &Masks) -> M {
    let release = false;
    walk::change(model, &mut Update { masks, release })
}

/// Lets go of these masks in a model's graph, so that [`update`] can be given ones written over them.
pub(crate) fn release<M: Module>(model: M, masks: &Masks) -> M {
    let release = true;
    walk::change(model, &mut Update { masks, release })
}

/// Sets what `masks` prune to exactly 0 in the stored weights.
pub(super) fn zero<M: Module>(model: M, masks: &Masks) -> M {
    change(model, |path| {
        let mask = masks.get(path).filter(|mask| !mask.is_dense())?;
        let zero: NewValues<'_> = Box::new(|values| {
            let kernels = kernels::at(&values.device());
            kernels.zero(values, mask.pruned())
        });
        Some(zero)
    })
}

struct Update<'a> {
    masks: &'a Masks,
    release: bool,
}

impl Change for Update<'_> {
    fn mask<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        match self.masks.get(path) {
            None => param,
            Some(_) if self.release => param.map(|old| Tensor::empty([0; D], &old.device())),
            // Not the old one's shape: it may have been let go of.
            Some(mask) => {
                let pruned = mask.pruned().clone().reshape([mask.total(); D]);
                Param::initialized(mask.stamp(), pruned)
            }
        }
    }
}
