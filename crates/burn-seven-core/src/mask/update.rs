//! Changing a model's masks, and zeroing what they drop.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Bool, Tensor};

use super::{Masks, PruningMask};
use crate::kernels;
use crate::weights::{ModulePath, rewrite};

/// Replaces the masks in a model's graph.
pub(crate) fn update<M: Module>(model: M, masks: &Masks) -> M {
    model.map(&mut Update {
        path: ModulePath::default(),
        masks,
    })
}

/// Lets go of these masks in a model's graph, so that [`update`] can be given ones written over them.
pub(crate) fn release<M: Module>(model: M, masks: &Masks) -> M {
    model.map(&mut Release {
        path: ModulePath::default(),
        masks,
    })
}

/// Sets what `masks` drop to exactly 0 in the stored weights.
pub(super) fn zero<M: Module>(model: M, masks: &Masks) -> M {
    model.map(&mut Zero {
        path: ModulePath::default(),
        masks,
    })
}

struct Update<'a> {
    path: ModulePath,
    masks: &'a Masks,
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
            Some((path, PruningMask::PATH)) => self.masks.get(&path),
            _ => None,
        };
        match mask {
            // Not the old one's shape: it may have been let go of.
            Some(mask) => param.map(|_| mask.dropped().clone().reshape([mask.total(); D])),
            None => param,
        }
    }
}

struct Release<'a> {
    path: ModulePath,
    masks: &'a Masks,
}

impl ModuleMapper for Release<'_> {
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
        let is_one_of_them = match self.path.reparameterized() {
            Some((path, PruningMask::PATH)) => self.masks.get(&path).is_some(),
            _ => false,
        };
        match is_one_of_them {
            true => param.map(|old| Tensor::empty([0; D], &old.device())),
            false => param,
        }
    }
}

struct Zero<'a> {
    path: ModulePath,
    masks: &'a Masks,
}

impl ModuleMapper for Zero<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.reparameterized().is_some() {
            return param;
        }
        let Some(mask) = self.masks.get(&self.path.dotted()) else {
            return param;
        };
        rewrite(param, |weight| {
            let shape = weight.shape();
            let values = weight.reshape([mask.total()]);
            let zeroed = kernels::at(&values.device()).zero(values, mask.dropped());
            zeroed.reshape(shape)
        })
    }
}
