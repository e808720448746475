//! A pruner on another device.

use std::sync::Arc;

use burn::tensor::Device;

use super::Pruner;
use crate::mask::Masks;
use crate::{Error, StateSink};

impl Pruner {
    /// The pruner with all of its state on `device`, for a model there.
    ///
    /// # Errors
    ///
    /// [`Error::RecordMismatch`] when a custom scorer's state cannot be read back.
    pub fn to_device(mut self, device: &Device) -> Result<Self, Error> {
        // An autodiff device is the same memory.
        let device = &device.clone().without_autodiff();
        let weights = self
            .weights
            .iter()
            .map(|weight| Arc::new(weight.on(device)));
        self.weights = weights.collect();
        let mut sink = StateSink::default();
        self.scorer.flatten(&mut sink);
        let scalars = sink.scalars.into_iter().collect();
        self.scorer
            .unflatten(&self.weights, sink.tensors, scalars)?;
        let masks = self.masks.iter().map(|mask| mask.to_device(device));
        self.masks = Masks::new(masks.collect());
        self.forward = self.forward.map(|forward| {
            let masks = forward.iter().map(|mask| mask.to_device(device));
            Masks::new(masks.collect())
        });
        let latent = self.latent.into_iter();
        self.latent = latent.map(|latent| latent.to_device(device)).collect();
        self.selector = self.selector.on(&self.weights);
        Ok(self)
    }

    /// A copy of the pruner on `device`, as [`Module::fork`](burn::module::Module::fork) makes one of
    /// a model. What is equal stays equal: given the same weights and gradients, the copies choose
    /// the same masks at every step.
    ///
    /// # Errors
    ///
    /// Those of [`to_device`](Self::to_device).
    pub fn fork(&self, device: &Device) -> Result<Self, Error> {
        self.clone().to_device(device)
    }
}
