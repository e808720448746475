//! The libtorch backend of burn-seven: CPU, CUDA and MPS.
//!
//! Scores are updated in place where Burn says that no one else holds their memory, counted by
//! integer operations on their bits, and masks are written over the old ones; only counters leave
//! the device. Everything is done a piece of a tensor at a time, so that scratch does not grow with
//! the model. What libtorch cannot count on a device goes by the portable path.
//!
//! Burn has deprecated its libtorch backend in 0.22 in favour of its own; it is kept here for
//! training code that uses it.
#![allow(deprecated)]

mod count;
mod finite;
mod held;
mod kernels;
mod keys;
mod numbers;
mod pieces;
mod seven;
mod ties;
mod write;

use burn::tensor::Device;
use burn_seven_kernels::Kernels;

use kernels::TchKernels;

/// The CPU, by libtorch, without autodiff; `device().autodiff()` trains on it.
pub fn device() -> Device {
    Device::libtorch()
}

/// The kernels for libtorch's tensors, on any of its devices.
pub fn kernels() -> &'static dyn Kernels {
    &TchKernels
}
