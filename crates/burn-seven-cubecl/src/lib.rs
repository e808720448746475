//! The kernels of burn-seven for CubeCL: what its wgpu and CUDA backends share.
//!
//! Scores, states and masks never leave the device. What is read back is a handful of counters: a
//! histogram once per digit of the key for all tensors together, how many entries each new mask
//! keeps, and one flag for the check of NaN and infinite values. Updates and masks are written in
//! place where no one else holds their buffers.
//!
//! Burn's backend for CubeCL, `burn::backend::Cube`, is one type with fusion and another without;
//! [`Primitives`] is there for both, so that [`kernels`] of that type works either way.

mod count;
mod counters;
mod entry;
mod finite;
mod grid;
mod kernels;
mod primitives;
mod scored;
mod seven;
mod tensors;
mod ties;
mod write;

pub use kernels::{CubeKernels, kernels};
pub use primitives::Primitives;
pub use tensors::Tensors;
