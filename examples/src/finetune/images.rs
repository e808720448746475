//! Images: a vision Transformer that is trained dense first, then pruned in fine-tuning.

use std::collections::HashMap;

use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::Error;
use super::task::{Metrics, Task};
use crate::digits::{Batch, Vit, VitConfig};
use crate::images::Images;
use crate::metrics;
use crate::task_name::TaskName;

/// Images in a batch of the dense training.
const BATCH: usize = 32;
/// The highest rate of the dense training.
const RATE: f64 = 1e-3;

/// Classification of square grey images in ten classes.
pub struct ImageTask {
    name: TaskName,
    config: VitConfig,
    train: Images,
    test: Images,
    batch: usize,
    pretrain_epochs: usize,
    /// Dense models by seed: runs that differ in the pruning alone share one.
    dense: HashMap<u64, Vit>,
    bar: ProgressBar,
}

impl ImageTask {
    /// A task on these images.
    pub fn new(
        name: TaskName,
        config: VitConfig,
        [train, test]: [Images; 2],
        batch: usize,
        pretrain_epochs: usize,
        bar: ProgressBar,
    ) -> Self {
        Self {
            name,
            config,
            train,
            test,
            batch,
            pretrain_epochs,
            dense: HashMap::new(),
            bar,
        }
    }

    /// AdamW at a falling rate.
    fn pretrain(&self, seed: u64, device: &Device) -> Vit {
        device.seed(seed);
        let mut model = self.config.init(device);
        let mut optim = AdamWConfig::new().with_weight_decay(0.01).init();
        let mut rng = StdRng::seed_from_u64(seed);
        let steps = self.pretrain_epochs * self.train.len().div_ceil(BATCH);
        self.bar.set_length(steps as u64);
        self.bar.set_position(0);
        let epochs = (0..self.pretrain_epochs).flat_map(|_| shuffled(&self.train, BATCH, &mut rng));
        for (step, indices) in epochs.enumerate() {
            let loss = model.loss(&self.batch(&indices, device));
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            let rate = RATE * (1.0 - step as f64 / steps as f64).max(0.05);
            model = optim.step(rate, model, grads);
            self.bar.inc(1);
        }
        model
    }
}

impl Task for ImageTask {
    type Model = Vit;
    type Batch = Batch;

    fn start(&mut self, seed: u64, device: &Device) -> Result<Vit, Error> {
        if let Some(model) = self.dense.get(&seed) {
            return Ok(model.clone());
        }
        let model = self.pretrain(seed, device);
        self.dense.insert(seed, model.clone());
        Ok(model)
    }

    fn epoch(&self, rng: &mut StdRng) -> Vec<Vec<usize>> {
        shuffled(&self.train, self.batch, rng)
    }

    fn batch(&self, indices: &[usize], device: &Device) -> Batch {
        gather(&self.train, indices, device)
    }

    fn loss(&self, model: &Vit, batch: &Batch, temperature: f64) -> Tensor<1> {
        model.tempered_loss(batch, temperature)
    }

    fn flow(&self, model: &Vit, device: &Device) -> Tensor<1> {
        model.flow(device)
    }

    fn evaluate(&self, model: &Vit, device: &Device) -> Metrics {
        let all: Vec<usize> = (0..self.test.len()).collect();
        let found = all.chunks(100).flat_map(|indices| {
            let batch = gather(&self.test, indices, device);
            let found: Tensor<1, Int> = model.forward(batch.images).argmax(1).flatten(0, 1);
            found
                .into_data()
                .iter::<i64>()
                .map(|class| class as usize)
                .collect::<Vec<_>>()
        });
        let found: Vec<usize> = found.collect();
        metrics::of_classes(self.name, &found, &self.test.labels)
    }

    fn metric(&self) -> &'static str {
        metrics::metric(self.name)
    }

    fn majority(&self) -> Metrics {
        metrics::of_majority(self.name, &self.train.labels, &self.test.labels)
    }

    fn sizes(&self) -> [usize; 2] {
        [self.train.len(), self.test.len()]
    }
}

fn shuffled(images: &Images, batch: usize, rng: &mut StdRng) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.shuffle(rng);
    order.chunks(batch).map(<[usize]>::to_vec).collect()
}

fn gather(images: &Images, indices: &[usize], device: &Device) -> Batch {
    let Images {
        pixels,
        labels,
        side,
    } = images.choose(indices);
    let count = labels.len();
    let labels: Vec<i64> = labels.into_iter().map(|class| class as i64).collect();
    Batch {
        images: Tensor::from_data(TensorData::new(pixels, [count, side, side]), device),
        labels: Tensor::from_data(TensorData::new(labels, [count]), device),
    }
}
