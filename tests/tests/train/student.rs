//! A model that Burn's trainer can train, and its data.

use std::sync::{Arc, Mutex};

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::module::Module;
use burn::tensor::Device;
use burn_seven_tests::model::{Batch, Net};
use burn_train::{InferenceStep, RegressionOutput, TrainOutput, TrainStep};

pub type Output = RegressionOutput;

/// What the replicas of a model computed with, in the order of their steps.
pub type Seen = Arc<Mutex<Vec<Vec<bool>>>>;

/// The net of all tests, which may write down which of its weights are zero at each step.
#[derive(Module, Debug)]
pub struct Student {
    pub net: Net,
    #[module(skip)]
    pub seen: Option<Seen>,
}

impl Student {
    pub fn new(seed: u64, device: &Device) -> Self {
        Self {
            net: Net::new(seed, device),
            seen: None,
        }
    }

    pub fn stored(&self) -> Vec<f32> {
        let net = &self.net;
        let weights = [&net.first.weight, &net.second.weight, &net.head.weight];
        let values = weights.map(|weight| weight.base().try_into_vec_as::<f32>().unwrap());
        values.concat()
    }

    fn output(&self, batch: Batch) -> Output {
        let output = self.net.forward(batch.tokens);
        let loss = (output.clone() - batch.targets.clone()).square().mean();
        RegressionOutput::new(loss, output, batch.targets)
    }
}

impl TrainStep for Student {
    type Input = Batch;
    type Output = Output;

    fn step(&self, batch: Batch) -> TrainOutput<Output> {
        if let Some(seen) = &self.seen {
            let zeros = self.net.effective().into_iter().map(|weight| weight == 0.0);
            seen.lock().unwrap().push(zeros.collect());
        }
        let output = self.output(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Student {
    type Input = Batch;
    type Output = Output;

    fn step(&self, batch: Batch) -> Output {
        self.output(batch)
    }
}

/// An item of this number makes a batch of NaN.
pub const POISON: u64 = 1000;

struct OneBatch;

impl Batcher<u64, Batch> for OneBatch {
    fn batch(&self, items: Vec<u64>, device: &Device) -> Batch {
        let mut batch = Batch::new(items[0], device);
        if items[0] == POISON {
            batch.targets = batch.targets * f32::NAN;
        }
        batch
    }
}

/// One batch an item, in order.
pub fn loader(items: Vec<u64>) -> Arc<dyn DataLoader<Batch>> {
    DataLoaderBuilder::new(OneBatch)
        .batch_size(1)
        .build(InMemDataset::new(items))
}
