//! Which kernels run on which device: the one place of this crate that names backends.
//!
//! A device is a value of Burn's own list of backends and cannot be asked for kernels of ours. The
//! names here spare users a global table that they would have to fill before the first pruner.

use std::sync::Arc;

#[cfg(any(
    feature = "ndarray",
    feature = "flex",
    feature = "wgpu",
    feature = "cuda",
    feature = "tch"
))]
use burn::backend::DispatchDevice;
use burn::tensor::Device;

use super::{Kernels, Portable};

/// The kernels for tensors on `device`: its backend's own where that backend's feature is on, else
/// the portable path.
pub fn at(device: &Device) -> &'static dyn Kernels {
    // An autodiff device is the same memory.
    let device = device.clone().without_autodiff();
    // With one backend there is nothing else, and with none there is nothing to choose from.
    #[allow(unreachable_patterns, clippy::match_single_binding)]
    match device.as_dispatch() {
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => burn_seven_ndarray::kernels(),
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => burn_seven_flex::kernels(),
        #[cfg(feature = "wgpu")]
        DispatchDevice::Cube(_) => burn_seven_wgpu::kernels(),
        #[cfg(all(feature = "cuda", not(feature = "wgpu")))]
        DispatchDevice::Cube(_) => burn_seven_cuda::kernels(),
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(_) => burn_seven_tch::kernels(),
        _ => &Portable,
    }
}

/// The kernels to use: each device's, or one for all that the user chose.
#[derive(Debug, Clone, Default)]
pub(crate) struct KernelChoice(Option<Arc<dyn Kernels>>);

impl KernelChoice {
    pub(crate) fn always(kernels: impl Kernels + 'static) -> Self {
        Self(Some(Arc::new(kernels)))
    }

    /// The kernels for tensors on `device`.
    pub(crate) fn at(&self, device: &Device) -> &dyn Kernels {
        match &self.0 {
            Some(kernels) => kernels.as_ref(),
            None => at(device),
        }
    }

    /// The names for tensors on these devices, each once.
    pub(crate) fn names<'a>(&self, devices: impl Iterator<Item = &'a Device>) -> String {
        let mut names: Vec<&str> = Vec::new();
        for device in devices {
            let name = self.at(device).name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    }
}
