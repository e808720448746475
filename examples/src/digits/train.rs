//! The training loop, with and without a pruner.

use std::time::Duration;

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, ElementConversion};
use burn_seven::Pruner;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Batch, Digits, Error, Vit};

/// Images in a batch.
pub const BATCH: usize = 32;
const LEARNING_RATE: f64 = 1e-3;

/// One phase of training.
#[derive(Clone, Copy)]
pub struct Phase<'a> {
    /// What the progress bar calls it.
    pub name: &'a str,
    /// How many epochs.
    pub epochs: u64,
    /// The seed of the batches' order.
    pub seed: u64,
    /// Where to train, with autodiff.
    pub device: &'a Device,
}

impl Phase<'_> {
    /// Steps in all.
    pub fn steps(&self, data: &Digits) -> usize {
        self.epochs as usize * (data.len() / BATCH)
    }

    /// Every batch of the phase, in order.
    pub fn batches<'a>(&'a self, data: &'a Digits) -> impl Iterator<Item = Batch> + 'a {
        let mut rng = StdRng::seed_from_u64(self.seed);
        (0..self.epochs).flat_map(move |_| data.epoch(BATCH, &mut rng, self.device))
    }

    /// Trains with AdamW at a falling rate; `pruner`, if any, prunes on the way.
    ///
    /// # Errors
    ///
    /// Those of [`Pruner::step`].
    pub fn train(
        &self,
        mut model: Vit,
        data: &Digits,
        mut pruner: Option<&mut Pruner>,
    ) -> Result<Vit, Error> {
        let mut optim = AdamWConfig::new().with_weight_decay(0.01).init();
        let steps = self.steps(data);
        let bar = progress_bar(steps as u64, self.name);
        for (step, batch) in self.batches(data).enumerate() {
            let loss = model.loss(&batch);
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            if let Some(pruner) = &mut pruner {
                model = pruner.step(model, &grads)?;
            }
            let rate = LEARNING_RATE * (1.0 - step as f64 / steps as f64).max(0.05);
            model = optim.step(rate, model, grads);
            // Reading the loss waits for the device: not at every step.
            if step.is_multiple_of(10) || (step + 1).is_multiple_of(data.len() / BATCH) {
                let sparsity = pruner
                    .as_ref()
                    .map_or(0.0, |pruner| pruner.masks().sparsity());
                let loss: f32 = loss.into_scalar::<f32>().elem();
                bar.set_message(format!(
                    "loss {loss:.4}  sparsity {:5.2} %",
                    100.0 * sparsity
                ));
            }
            bar.inc(1);
            if bar.is_hidden() && (step + 1).is_multiple_of(data.len() / BATCH) {
                let epoch = (step + 1) / (data.len() / BATCH);
                eprintln!("{} epoch {epoch}: {}", self.name, bar.message());
            }
        }
        bar.finish();
        Ok(model)
    }
}

/// The share of images whose class the model gets right.
pub fn accuracy(model: &Vit, data: &Digits, device: &Device) -> f64 {
    let model = model.valid();
    data.share_right(device, |images| model.forward(images))
}

fn progress_bar(steps: u64, name: &str) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    let template = "{prefix:24} [{elapsed_precise}] {bar:30} {pos:>5}/{len}  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_string());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
