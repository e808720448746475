//! The one mapper that gives a model's weights new values.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::{ModulePath, rewrite};

/// Makes a weight's new values of its stored ones, both row-major, shape `[n]`, of its own type.
pub(crate) type NewValues<'a> = Box<dyn FnOnce(Tensor<1>) -> Tensor<1> + 'a>;

/// The model with new stored values for the weights whose paths `change` has an answer for.
pub(crate) fn change<'a, M: Module>(
    model: M,
    change: impl FnMut(&str) -> Option<NewValues<'a>>,
) -> M {
    model.map(&mut Change {
        path: ModulePath::default(),
        change,
    })
}

struct Change<F> {
    path: ModulePath,
    change: F,
}

impl<'a, F: FnMut(&str) -> Option<NewValues<'a>>> ModuleMapper for Change<F> {
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
        match (self.change)(&self.path.dotted()) {
            None => param,
            Some(new) => rewrite(param, |old| {
                let shape = old.shape();
                new(old.reshape([shape.num_elements()])).reshape(shape)
            }),
        }
    }
}
