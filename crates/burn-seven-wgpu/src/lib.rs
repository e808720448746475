//! The wgpu backend of burn-seven: Vulkan, Metal and WebGPU.

use burn::tensor::{Device, DeviceKind};
use burn_seven_kernels::Kernels;

/// The default GPU, by wgpu, without autodiff; `device().autodiff()` trains on it.
pub fn device() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

/// The kernels for wgpu's tensors.
pub fn kernels() -> &'static dyn Kernels {
    burn_seven_cubecl::kernels::<burn::backend::Cube>()
}
