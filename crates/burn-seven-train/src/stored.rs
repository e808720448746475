//! The stored values of masked weights, which are not those that the model computes with.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use burn_seven_core::{Error, Masks};

/// The stored values of what `masks` prune something of, by path.
pub(crate) fn stored<M: Module>(model: &M, masks: &Masks) -> BTreeMap<String, TensorData> {
    let mut take = Take {
        path: Vec::new(),
        masks,
        values: BTreeMap::new(),
    };
    model.visit(&mut take);
    take.values
}

/// The model with these stored values.
///
/// # Errors
///
/// [`Error::RecordMismatch`] for one that does not fit, or is of no weight.
pub(crate) fn restore<M: Module>(
    model: M,
    values: BTreeMap<String, TensorData>,
) -> Result<M, Error> {
    let mut put = Put {
        path: Vec::new(),
        values,
        error: None,
    };
    let model = model.map(&mut put);
    if let Some(path) = put.values.into_keys().next() {
        put.error.get_or_insert(Error::WeightMissing { path });
    }
    match put.error {
        None => Ok(model),
        Some(error) => Err(error),
    }
}

struct Take<'a> {
    path: Vec<String>,
    masks: &'a Masks,
    values: BTreeMap<String, TensorData>,
}

impl ModuleVisitor for Take<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        if self.masks.get(&path).is_some_and(|mask| !mask.is_dense()) {
            let data = param.base().without_autodiff().into_data();
            self.values.insert(path, data);
        }
    }
}

struct Put {
    path: Vec<String>,
    values: BTreeMap<String, TensorData>,
    error: Option<Error>,
}

impl ModuleMapper for Put {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let Some(data) = self.values.remove(&path) else {
            return param;
        };
        let (shape, dtype) = (param.shape(), param.dtype());
        if (data.shape(), data.dtype()) != (&shape, dtype) {
            self.error.get_or_insert(Error::RecordMismatch {
                what: format!("stored value of {path}"),
                expected: format!("{dtype:?} {shape:?}"),
                found: format!("{:?} {:?}", data.dtype(), data.shape()),
            });
            return param;
        }
        param.map(|old| {
            let require_grad = old.is_require_grad();
            let strategy = old.gradient_checkpointing_strategy();
            let device = old.without_autodiff().device();
            let new = Tensor::from_data(data, (&device, dtype));
            let new = match strategy {
                Some(strategy) => new
                    .autodiff()
                    .with_gradient_checkpointing_strategy(strategy),
                None => new,
            };
            match require_grad {
                true => new.require_grad(),
                false => new,
            }
        })
    }
}
