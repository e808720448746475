//! The flex backend of burn-seven: Burn's own CPU backend in pure Rust.

mod buffers;

pub use buffers::FlexHost;

use burn::tensor::Device;
use burn_seven_cpu::HostKernels;
use burn_seven_kernels::Kernels;

/// The CPU, by flex, without autodiff; `device().autodiff()` trains on it.
pub fn device() -> Device {
    Device::flex()
}

/// The kernels for flex's tensors.
pub fn kernels() -> &'static dyn Kernels {
    static KERNELS: HostKernels<FlexHost> = HostKernels::new();
    &KERNELS
}
