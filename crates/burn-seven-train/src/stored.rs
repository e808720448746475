//! The stored values of masked weights, which are not those that the model computes with.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use burn_seven_core::internals::{Change, Visit, change, rewrite, visit};
use burn_seven_core::{Error, Masks};

/// The stored values of what `masks` prune something of, by path.
pub(crate) fn stored<M: Module>(model: &M, masks: &Masks) -> BTreeMap<String, TensorData> {
    let mut take = Take {
        masks,
        values: BTreeMap::new(),
    };
    visit(model, &mut take);
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
        values,
        error: None,
    };
    let model = change(model, &mut put);
    if let Some(path) = put.values.into_keys().next() {
        put.error.get_or_insert(Error::WeightMissing { path });
    }
    match put.error {
        None => Ok(model),
        Some(error) => Err(error),
    }
}

struct Take<'a> {
    masks: &'a Masks,
    values: BTreeMap<String, TensorData>,
}

impl Visit for Take<'_> {
    fn weight<const D: usize>(&mut self, path: &str, _: Option<&str>, param: &Param<Tensor<D>>) {
        if self.masks.get(path).is_some_and(|mask| !mask.is_dense()) {
            let data = param.base().without_autodiff().into_data();
            self.values.insert(path.to_string(), data);
        }
    }
}

struct Put {
    values: BTreeMap<String, TensorData>,
    error: Option<Error>,
}

impl Change for Put {
    fn weight<const D: usize>(&mut self, path: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(data) = self.values.remove(path) else {
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
        rewrite(param, |old| Tensor::from_data(data, (&old.device(), dtype)))
    }
}
