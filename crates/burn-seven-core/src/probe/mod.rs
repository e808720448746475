//! Gradients that are not the loss's, for the scorers that ask for them (see
//! [`Gradient`](crate::Gradient)).
//!
//! [`Pruner::prune_before_training`](crate::Pruner::prune_before_training) calls these by itself;
//! they are for scores alone.

mod absolute;
mod hessian;
mod line;
mod noise;
mod norm;

pub use absolute::absolute_gradient;
pub use hessian::hessian_gradient;
pub(crate) use hessian::{check_epsilon, products};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The gradients of `model`'s parameters; none for a model that is frozen altogether, which has no
/// graph to go back through.
pub(crate) fn backward<M: Module>(model: &M, loss: Tensor<1>) -> GradientsParams {
    match loss.is_tracked() {
        true => GradientsParams::from_grads(loss.backward(), model),
        false => GradientsParams::new(),
    }
}
