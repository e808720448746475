//! Structured pruning that makes any Burn module smaller: the same type with smaller tensors, which is
//! faster on every backend.
//!
//! Users reach this as `burn_seven::shrink`, with the feature `shrink`. [`groups`] captures a forward
//! pass and finds which axes of which parameters are the same neurons, channels or heads; its
//! [`structure`](Groups::structure) lets a pruner prune them, and [`shrink`] cuts out what is zero.
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::optim::{GradientsParams, SgdConfig};
//! use burn::tensor::{Device, Tensor, activation::relu};
//! use burn_seven_core::{MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, Sparsity};
//! use burn_seven_shrink::{groups, shrink};
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
//! let device = Device::flex().autodiff();
//! let model = Mlp {
//!     inner: LinearConfig::new(8, 32).init(&device),
//!     outer: LinearConfig::new(32, 4).init(&device),
//! };
//! let x = Tensor::<2>::ones([3, 8], &device);
//! let groups = groups(&model, &x, Mlp::forward)?;
//! let mut pruner = PrunerConfig::new(OneShotSchedule::new(1, Sparsity::new(0.5)?))
//!     .with_structure(groups.structure()?)
//!     .with_selection(groups.selection()?)
//!     .init(MagnitudeScorerConfig::new().init(), &model)?;
//! let mut model = pruner.attach(model)?;
//! let mut optim = SgdConfig::new().init();
//! for _ in 0..3 {
//!     let loss = model.forward(x.clone()).square().mean();
//!     let grads = GradientsParams::from_grads(loss.backward(), &model);
//!     model = pruner.optimize(&mut optim, 0.01, model, grads)?;
//! }
//! let model = pruner.finish(model)?;
//! let (small, report) = shrink(&model, x, Mlp::forward)?;
//! println!("{report}");
//! assert_eq!(small.inner.weight.dims(), [8, 16]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attention;
mod axis;
mod coupled;
mod cut;
mod dead;
mod encoder;
mod error;
mod flow;
mod group;
mod groups;
mod observe;
mod report;
mod ridge;
mod shrink;
mod sizes;
mod step;
mod values;
mod zeros;

pub use attention::Attention;
pub use coupled::Coupled;
pub use encoder::{Encoder, EncoderLayer};
pub use error::ShrinkError;
pub use group::{Group, Member};
pub use groups::Groups;
pub use report::{GroupReport, LayerReport, ShrinkReport};
pub use ridge::Ridge;
pub use shrink::Shrink;
pub use sizes::Sizes;

use burn::module::Module;
use burn_seven_compile::Tensors;

/// The groups of a model: [`Shrink::groups`] as it is by default.
///
/// # Errors
///
/// As [`Shrink::groups`].
pub fn groups<M, I, O, F>(model: &M, example: &I, forward: F) -> Result<Groups, ShrinkError>
where
    M: Module,
    I: Tensors,
    O: Tensors,
    F: Fn(&M, I) -> O,
{
    Shrink::new().groups(model, example, forward)
}

/// A model of the same type without the units that are zero: [`Shrink::shrink`] as it is by default.
///
/// # Errors
///
/// As [`Shrink::shrink`].
pub fn shrink<M, I, O, F>(
    model: &M,
    example: I,
    forward: F,
) -> Result<(M, ShrinkReport), ShrinkError>
where
    M: Module,
    I: Tensors,
    O: Tensors,
    F: Fn(&M, I) -> O,
{
    Shrink::new().shrink(model, example, forward)
}
