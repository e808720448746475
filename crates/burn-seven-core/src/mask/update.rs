//! Changing a model's masks, and zeroing what they prune.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Bool, Tensor};

use super::Masks;
use crate::kernels;
use crate::weights::{ModulePath, NewValues, PRUNING_MASK, change};

/// Replaces the masks in a model's graph.
pub(crate) fn update<M: Module>(model: M, masks: &Masks) -> M {
    model.map(&mut Update {
        path: ModulePath::default(),
        masks,
        release: false,
    })
}

/// Lets go of these masks in a model's graph, so that [`update`] can be given ones written over them.
pub(crate) fn release<M: Module>(model: M, masks: &Masks) -> M {
    model.map(&mut Update {
        path: ModulePath::default(),
        masks,
        release: true,
    })
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
    path: ModulePath,
    masks: &'a Masks,
    release: bool,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        let mask = match self.path.reparameterized() {
            Some((path, PRUNING_MASK)) => self.masks.get(&path),
            _ => None,
        };
        match mask {
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
