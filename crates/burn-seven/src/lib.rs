#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`pruner`] | [`PrunerConfig`] and [`Pruner`]: prune a model while it trains, or before |
//! | [`scorer`] | SEVEN and the scorers it is compared with; the [`Scorer`] trait |
//! | [`schedule`] | when to prune, and to what sparsity |
//! | [`budget`] | how many weights stay, and where |
//! | [`pattern`] | which shapes the kept weights form |
//! | [`mask`] | [`Masks`], and the exact [`Selector`] that makes them |
//! | [`weights`] | [`Selection`] of prunable weights, [`WeightGrads`] |
//! | [`report`] | [`Report`] |
//! | [`kernels`] | the seam where a backend replaces the portable path |
//! | [`error`] | [`Error`], and [`Failed`], which gives the model back |
//!
//! # Features
//!
//! | feature | backend | [`device`] |
//! | --- | --- | --- |
//! | `ndarray` (default) | ndarray, on the CPU | `Device::ndarray()` |
//! | `flex` | flex, Burn's own, on the CPU | `Device::flex()` |
//!
//! With several, [`device`] takes the first of this order: flex, ndarray.

#[cfg(not(any(feature = "ndarray", feature = "flex")))]
compile_error!("burn-seven needs a backend: choose one of the features `ndarray` and `flex`");

pub use burn_seven_core::*;

/// The device of the backend that the features choose, without autodiff.
///
/// `device().autodiff()` trains on it. With several backends the order is flex, ndarray, so that
/// adding `flex` to the default features is enough to switch.
pub fn device() -> burn::tensor::Device {
    #[cfg(feature = "flex")]
    return burn_seven_flex::device();
    #[cfg(all(feature = "ndarray", not(feature = "flex")))]
    return burn_seven_ndarray::device();
}
