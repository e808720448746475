//! What a task is to the training loop.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::StdRng;

use super::Error;

/// Metrics by name.
pub type Metrics = BTreeMap<String, f64>;

/// A model, data for it, and what is to be learned.
pub trait Task {
    /// The model. Its last layer is named `head` and stays dense.
    type Model: Module + 'static;
    /// A batch on a device.
    type Batch: Clone;

    /// The model that fine-tuning starts from, on a device with autodiff; the same for the same seed.
    ///
    /// # Errors
    ///
    /// Weights that cannot be read.
    fn start(&mut self, seed: u64, device: &Device) -> Result<Self::Model, Error>;

    /// One epoch: the examples of each batch, in an order that `rng` settles.
    fn epoch(&self, rng: &mut StdRng) -> Vec<Vec<usize>>;

    /// Training examples as a batch.
    fn batch(&self, indices: &[usize], device: &Device) -> Self::Batch;

    /// The mean loss of a batch, shape `[1]`, of logits divided by `temperature`.
    fn loss(&self, model: &Self::Model, batch: &Self::Batch, temperature: f64) -> Tensor<1>;

    /// The sum of the model's outputs for an input of ones (SynFlow's R), shape `[1]`.
    fn flow(&self, model: &Self::Model, device: &Device) -> Tensor<1>;

    /// Metrics of `model`, without autodiff, on the test set.
    fn evaluate(&self, model: &Self::Model, device: &Device) -> Metrics;

    /// The metric to compare by.
    fn metric(&self) -> &'static str;

    /// The same metrics of the most frequent class.
    fn majority(&self) -> Metrics;

    /// Examples to train on, and to test on.
    fn sizes(&self) -> [usize; 2];
}
