//! Putting tensors in the place of a module's parameters.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param, Parameter};
use burn::tensor::kind::Basic;
use burn::tensor::{Bool, Int, Tensor};
use burn_store::{bridge, burn_pack::Tensor as PackTensor};

use super::Names;
use super::place::Place;
use super::slots::is_mapped;
use crate::SparseError;

/// `module` with these tensors for the parameters at these paths. Shapes and kinds fit.
///
/// Tensors are read one at a time. Parameters keep their ids, their devices and whether they are
/// trained; packed forms of the old weights are let go of.
pub(super) fn put<M: Module>(
    module: M,
    names: Names,
    tensors: BTreeMap<String, PackTensor>,
) -> Result<M, SparseError> {
    let mut putter = Putter {
        place: Place::root(names),
        tensors,
        error: None,
    };
    let module = module.materialize().map(&mut putter);
    match putter.error {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

struct Putter {
    place: Place,
    tensors: BTreeMap<String, PackTensor>,
    error: Option<SparseError>,
}

impl Putter {
    fn put<const D: usize, K: Basic + 'static>(
        &mut self,
        param: Param<Tensor<D, K>>,
    ) -> Param<Tensor<D, K>>
    where
        Tensor<D, K>: Parameter,
    {
        let path = self.place.path();
        let Some(tensor) = self.tensors.remove(&path) else {
            return param;
        };
        if self.error.is_some() {
            return param;
        }
        let data = match bridge::into_data(tensor) {
            Ok(data) => data,
            Err(error) => {
                self.error = Some(SparseError::tensor(&path)(error));
                return param;
            }
        };
        let (device, dtype) = (param.lazy_device(), data.dtype());
        let tensor = Tensor::<D, K>::from_data(data, (&device, dtype));
        if is_mapped(&param) {
            // The value itself, not what it is saved as: a linear layer in column layout is
            // saved transposed.
            param.map(|old| {
                let require_grad = Parameter::is_require_grad(&old);
                let new = Parameter::load_to_device(tensor, &device);
                Parameter::set_require_grad(new, require_grad)
            })
        } else {
            let id = param.id;
            param.transform_for_load(tensor, id)
        }
    }
}

impl ModuleMapper for Putter {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.place.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.place.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.put(param)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.put(param)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.put(param)
    }
}
