//! The same random numbers in several passes.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Int, Tensor};

/// A seed for all devices of a model.
pub(super) struct Noise {
    devices: Vec<Device>,
    seed: u64,
}

impl Noise {
    /// A seed that the first device's generator draws, so that runs of one seed are the same.
    pub(super) fn draw<M: Module>(model: &M) -> Self {
        let devices = model.devices();
        let seed = devices.first().map_or(0, |device| {
            let range = Distribution::Uniform(0.0, f64::from(1 << 24));
            let halves = Tensor::<1, Int>::random([2], range, &device.clone().without_autodiff());
            halves
                .into_data()
                .iter::<i64>()
                .fold(0, |seed, half| (seed << 24) ^ half.unsigned_abs())
        });
        Self { devices, seed }
    }

    /// Has the devices' generators begin again.
    pub(super) fn replay(&self) {
        for device in &self.devices {
            device.seed(self.seed);
        }
    }
}
