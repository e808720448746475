//! New values for a model's weights.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{rewrite, walk};

/// Makes a weight's new values of its stored ones, both row-major, shape `[n]`, of its own type.
pub(crate) type NewValues<'a> = Box<dyn FnOnce(Tensor<1>) -> Tensor<1> + 'a>;

/// The model with new stored values for the weights whose paths `change` has an answer for.
pub(crate) fn change<'a, M: Module>(
    model: M,
    change: impl FnMut(&str) -> Option<NewValues<'a>>,
) -> M {
    walk::change(model, &mut Values { change })
}

struct Values<F> {
    change: F,
}

impl<'a, F: FnMut(&str) -> Option<NewValues<'a>>> walk::Change for Values<F> {
    fn weight<const D: usize>(&mut self, path: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match (self.change)(path) {
            None => param,
            Some(new) => rewrite(param, |old| {
                let shape = old.shape();
                new(old.reshape([shape.num_elements()])).reshape(shape)
            }),
        }
    }
}
