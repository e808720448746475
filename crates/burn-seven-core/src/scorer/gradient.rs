//! What a scorer is to be given as the gradient.

use std::fmt;

/// What [`Scorer::update`](crate::Scorer::update) is to be given as the gradient.
///
/// [`Pruner::prune_before_training`](crate::Pruner::prune_before_training) computes it.
/// [`Pruner::step`](crate::Pruner::step) is given the loss's gradient and refuses scorers that need
/// another. Scores alone take what the caller gives, such as what
/// [`hessian_gradient`](crate::probe::hessian_gradient) or
/// [`absolute_gradient`](crate::probe::absolute_gradient) returns.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Gradient {
    /// The gradient of the loss.
    #[default]
    Loss,
    /// The product of the loss's Hessian and its gradient, by central differences of this relative
    /// size; see [`hessian_gradient`](crate::probe::hessian_gradient).
    HessianGradient {
        /// The size of the differences relative to the weights.
        epsilon: f64,
    },
    /// The gradient at the absolute values of all parameters; see
    /// [`absolute_gradient`](crate::probe::absolute_gradient).
    AbsoluteWeights,
}

impl fmt::Display for Gradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "the gradient of the loss",
            Self::HessianGradient { .. } => "the Hessian-gradient product",
            Self::AbsoluteWeights => "the gradient at absolute weights",
        })
    }
}
