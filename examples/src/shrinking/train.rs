//! The training loop.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::Device;
use burn_seven::Pruner;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Classifier, Error};
use crate::digits::Digits;

const BATCH: usize = 32;
const LEARNING_RATE: f64 = 1e-3;

/// How many steps so many epochs are.
pub(super) fn steps(data: &Digits, epochs: usize) -> usize {
    epochs * (data.len() / BATCH)
}

/// Trains by AdamW at a falling rate; `pruner`, if any, prunes on the way.
pub(super) fn train<M: Classifier>(
    mut model: M,
    data: &Digits,
    epochs: usize,
    seed: u64,
    device: &Device,
    mut pruner: Option<&mut Pruner>,
) -> Result<M, Error> {
    let mut optim = AdamWConfig::new().with_weight_decay(0.01).init();
    let mut rng = StdRng::seed_from_u64(seed);
    let all = steps(data, epochs);
    let mut step = 0;
    for _ in 0..epochs {
        for batch in data.epoch(BATCH, &mut rng, device) {
            let scores = model.forward(batch.images);
            let loss = CrossEntropyLossConfig::new().init(&scores.device());
            let grads = loss.forward(scores, batch.labels).backward();
            let grads = GradientsParams::from_grads(grads, &model);
            let rate = LEARNING_RATE * (1.0 - step as f64 / all as f64).max(0.05);
            model = match &mut pruner {
                Some(pruner) => pruner.optimize(&mut optim, rate, model, grads)?,
                None => optim.step(rate, model, grads),
            };
            step += 1;
        }
    }
    Ok(model)
}

/// The share of images whose class the model gets right.
pub(super) fn accuracy<M: Classifier>(model: &M, data: &Digits, device: &Device) -> f64 {
    let model = model.valid();
    data.share_right(device, |images| model.forward(images))
}
