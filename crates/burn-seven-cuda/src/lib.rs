//! The CUDA backend of burn-seven, for NVIDIA's cards.

use burn::tensor::{Device, DeviceIndex};
use burn_seven_kernels::Kernels;

/// The default CUDA device, without autodiff; `device().autodiff()` trains on it.
pub fn device() -> Device {
    Device::cuda(DeviceIndex::Default)
}

/// The kernels for CUDA's tensors.
pub fn kernels() -> &'static dyn Kernels {
    burn_seven_cubecl::kernels::<burn::backend::Cube>()
}
