//! Parameters with places of their axes taken out.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamId, ParameterValue};
use burn::tensor::{Int, Tensor, TensorData};

use crate::dead::Gone;
use crate::values::Values;

/// A model without these places. It has running statistics and ids of its own where it was cut, so that
/// an optimizer starts anew there.
pub(crate) fn cut<M: Module>(model: &M, values: &Values, gone: &Gone) -> M {
    // `valid` gives running statistics that are not shared with the caller's model.
    let model = model.valid();
    let cut = model.map(&mut Cutter {
        path: Vec::new(),
        gone,
        ids: HashMap::new(),
    });
    match values.autodiff {
        true => cut.train(),
        false => cut,
    }
}

struct Cutter<'a> {
    path: Vec<String>,
    gone: &'a Gone,
    /// New ids, so that tied parameters stay tied.
    ids: HashMap<u64, ParamId>,
}

impl ModuleMapper for Cutter<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(axes) = self.gone.get(&self.path.join(".")) else {
            return param;
        };
        let id = *self.ids.entry(param.id.val()).or_default();
        replace(param, id, |tensor| {
            axes.iter().fold(tensor, |tensor, (&axis, places)| {
                let size = tensor.shape()[axis];
                let kept = (0..size).filter(|place| !places.contains(place));
                let kept: Vec<i64> = kept.map(|place| place as i64).collect();
                let count = kept.len();
                let data = TensorData::new(kept, [count]);
                let kept = Tensor::<1, Int>::from_data(data, &tensor.device());
                tensor.select(axis, kept)
            })
        })
    }
}

/// A parameter of another value under an id, which is loaded, saved and trained as before.
pub(crate) fn replace<T: ParameterValue>(
    param: Param<T>,
    id: ParamId,
    change: impl FnOnce(T) -> T,
) -> Param<T> {
    let (_, value, mapper) = param.consume();
    Param::from_mapped_value(id, change(value), mapper)
}
