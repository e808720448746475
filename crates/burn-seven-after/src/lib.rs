//! Pruning without training: a trained model and a few hundred inputs are enough.
//!
//! Users reach this as `burn_seven::after`, with the feature `after`. Layers are pruned one after the
//! other in the order of the forward pass, each by the inputs that the layers before it give once they
//! are pruned. The forward pass is captured, so any module will do.
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Device, Distribution, Tensor, activation::relu};
//! use burn_seven_after::{Solver, prune};
//! use burn_seven_core::Sparsity;
//!
//! #[derive(Module, Debug)]
//! struct Mlp {
//!     inner: Linear,
//!     outer: Linear,
//! }
//!
//! impl Mlp {
//!     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
//!         self.outer.forward(relu(self.inner.forward(x)))
//!     }
//! }
//!
//! let device = Device::flex();
//! let model = Mlp {
//!     inner: LinearConfig::new(8, 32).init(&device),
//!     outer: LinearConfig::new(32, 4).init(&device),
//! };
//! let calibration = [Tensor::<2>::random([64, 8], Distribution::Normal(0.0, 1.0), &device)];
//! let (pruned, report) = prune(&model, &calibration, Mlp::forward, Solver::SparseGpt, Sparsity::new(0.5)?)?;
//! println!("{report}");
//! let zeros = pruned.inner.weight.val().equal_elem(0.0).int().sum().into_scalar::<i64>();
//! assert_eq!(zeros, 128);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod after;
mod error;
mod layers;
mod moments;
mod pattern;
mod report;
mod run;
mod solve;
mod unfold;

pub use after::After;
pub use error::AfterError;
pub use pattern::Pattern;
pub use report::{AfterReport, LayerReport};
pub use run::Run;
pub use solve::Solver;

use burn::module::Module;
use burn_seven_compile::Tensors;
use burn_seven_core::Sparsity;

/// A model with each of its linear layers and convolutions pruned to a sparsity: [`After::prune`] with
/// a solver's defaults.
///
/// # Errors
///
/// As [`After::start`] and [`Run::next_layer`].
pub fn prune<M, I, O, F>(
    model: &M,
    calibration: &[I],
    forward: F,
    solver: Solver,
    sparsity: Sparsity,
) -> Result<(M, AfterReport), AfterError>
where
    M: Module,
    I: Tensors,
    O: Tensors,
    F: Fn(&M, I) -> O,
{
    After::new(solver, sparsity).prune(model, calibration, forward)
}
