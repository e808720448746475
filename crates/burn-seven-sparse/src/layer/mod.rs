//! A linear layer whose pruned weights cost no time.
//!
//! [`SparseLinear`] stands where Burn's `Linear` stands, with the same parameters under the same
//! names: it is trained, pruned, saved and loaded as that one is. After
//! `Pruner::finish`, [`pack`] turns the layers of a model into a form that skips zeros, each where it
//! is faster.

mod attach;
mod empty;
mod find;
mod form;
mod linear;
mod measure;
mod module;
mod pack;
mod report;

pub use burn_seven_core::kernels::Activation;
pub(crate) use form::PackedForm;
pub use linear::{SparseLinear, SparseLinearConfig};
pub use measure::ROWS;
pub use pack::{PackConfig, PackRule, pack};
pub use report::{Choice, LayerReport, PackReport};
