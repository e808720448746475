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
//! | [`structure`] | what is pruned together: entries, N:M, blocks, rows, neurons, heads, channels |
//! | [`compensation`] | new values for what stays |
//! | [`mask`] | [`Masks`], and how they are put on a model |
//! | [`weights`] | [`Selection`] of prunable weights, [`WeightGrads`] |
//! | [`probe`] | gradients that are not the loss's, for scorers that ask for them |
//! | [`report`] | [`Report`] |
//! | [`sparse`] | compiled models, files that hold only the non-zeros of a pruned model, sparse layers |
//! | `train` | with the feature `train`: Burn's own trainer, LoRA on a pruned model, distillation |
//! | `after` | with the feature of that name: a trained model is pruned without training it |
//! | `shrink` | with the feature of that name: neurons, channels and heads cut out of any module |
//! | [`kernels`] | the seam where a backend replaces the portable path |
//! | [`error`] | [`Error`], and [`Failed`], which gives the model back |
//!
//! # Features
//!
//! | feature | backend | [`device`] |
//! | --- | --- | --- |
//! | `cuda` | CUDA, for NVIDIA's cards | `Device::cuda(DeviceIndex::Default)` |
//! | `wgpu` | wgpu: Vulkan, Metal, WebGPU | `Device::wgpu(DeviceKind::DefaultDevice)` |
//! | `tch` | libtorch | `Device::libtorch()`, its CPU |
//! | `ndarray` | ndarray, on the CPU | `Device::ndarray()` |
//! | `flex` (default) | flex, Burn's own, on the CPU | `Device::flex()` |
//!
//! With several, [`device`] takes the first of this order, and the fast path of each is taken for
//! tensors on its own devices. `vulkan` and `metal` are `wgpu` with kernels compiled for these
//! interfaces rather than to WGSL. What each backend needs is in the guide's chapter on backends.
//!
//! `train` adds the module `train`, for Burn's own trainer.
//! `compile`, a default too, is `compile` in [`sparse`]: any module for fast inference on a CPU, through flex.

#[cfg(not(any(
    feature = "cuda",
    feature = "wgpu",
    feature = "tch",
    feature = "flex",
    feature = "ndarray"
)))]
compile_error!(
    "burn-seven needs a backend: choose one of the features `ndarray`, `flex`, `wgpu`, `cuda` and `tch`"
);

pub use burn_seven_core::*;

/// Pruning without training: Wanda, SparseGPT, exact refit.
#[cfg(feature = "after")]
#[doc(inline)]
pub use burn_seven_after as after;

/// Smaller models: what is zero is cut out of a module's tensors, on every backend.
#[cfg(feature = "shrink")]
pub mod shrink {
    #[doc(inline)]
    pub use burn_seven_shrink::*;
}

/// What a pruned model is worth once training is over: smaller files, and faster inference.
///
/// Files and the packed layer are of `burn-seven-sparse`; with the feature `compile` (a default)
/// [`compile`](sparse::compile) makes any module of flex faster.
pub mod sparse {
    #[cfg(feature = "compile")]
    #[doc(inline)]
    pub use burn_seven_compile::*;
    #[doc(inline)]
    pub use burn_seven_sparse::*;
}

/// Burn's own trainer: `pruner.wrap(model)?` for its `Learner`.
#[cfg(feature = "train")]
#[doc(inline)]
pub use burn_seven_train as train;

/// The device of the backend that the features choose, without autodiff.
///
/// `device().autodiff()` trains on it. With several backends the order is cuda, wgpu, tch, ndarray,
/// flex, so that adding a feature to the default one is enough to switch.
pub fn device() -> burn::tensor::Device {
    #[cfg(feature = "cuda")]
    return burn_seven_cuda::device();
    #[cfg(all(feature = "wgpu", not(feature = "cuda")))]
    return burn_seven_wgpu::device();
    #[cfg(all(feature = "tch", not(any(feature = "cuda", feature = "wgpu"))))]
    return burn_seven_tch::device();
    #[cfg(all(
        feature = "ndarray",
        not(any(feature = "cuda", feature = "wgpu", feature = "tch"))
    ))]
    return burn_seven_ndarray::device();
    #[cfg(all(
        feature = "flex",
        not(any(
            feature = "cuda",
            feature = "wgpu",
            feature = "tch",
            feature = "ndarray"
        ))
    ))]
    return burn_seven_flex::device();
}
