//! The ndarray backend of burn-seven: pure Rust, on the CPU.
//!
//! Burn has deprecated its ndarray backend in 0.22 in favour of flex; it is kept here for training
//! code that uses it.
#![allow(deprecated)]

mod buffers;

pub use buffers::NdArrayHost;

use burn::tensor::Device;
use burn_seven_cpu::HostKernels;
use burn_seven_kernels::Kernels;

/// The CPU, by ndarray, without autodiff; `device().autodiff()` trains on it.
pub fn device() -> Device {
    Device::ndarray()
}

/// The kernels for ndarray's tensors.
pub fn kernels() -> &'static dyn Kernels {
    static KERNELS: HostKernels<NdArrayHost> = HostKernels::new();
    &KERNELS
}
