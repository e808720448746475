//! One run: prune before or while fine-tuning, and measure after each epoch.

use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use burn_seven::Pruner;
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::draw::draw;
use super::{Error, Layer, Run, Settings, Strategy, Task, When, lora};
use crate::scorer_name::ScorerName;

/// How many training losses are kept of a run, about.
const LOSSES: usize = 50;
/// Apart from the seeds of the batches' order while fine-tuning.
const ROUNDS_SEED: u64 = 0xb5e7e5;

/// Where runs take place.
pub struct Place {
    /// The device, with autodiff.
    pub device: Device,
    /// Git revision of the program.
    pub revision: String,
    /// Shows the steps of a run.
    pub bar: ProgressBar,
}

/// Does what `settings` say.
///
/// # Errors
///
/// Settings that make no sense, weights that cannot be read, and what the library refuses.
pub fn run<T: Task>(task: &mut T, settings: &Settings, place: &Place) -> Result<Run, Error> {
    settings.validate()?;
    let device = &place.device;
    let model = task.start(settings.seed, device)?;
    device.seed(settings.seed);
    let start = Instant::now();
    draw(&model);
    let mut rng = StdRng::seed_from_u64(settings.seed);
    let plan: Vec<Vec<Vec<usize>>> = (0..settings.epochs).map(|_| task.epoch(&mut rng)).collect();
    let steps = plan.iter().map(Vec::len).sum();
    if steps == 0 {
        return Err(Error::Settings("there is nothing to train on".to_string()));
    }

    let mut pruner = settings.pruner(&model, steps)?;
    let mut model = match (&mut pruner, settings.when) {
        (Some(pruner), When::Before) => prune_before(task, model, pruner, settings, place)?,
        (Some(pruner), When::During) => pruner.attach(model)?,
        (None, _) => model,
    };
    let adapted = settings.strategy == Strategy::Lora;
    let adapters = pruner
        .as_ref()
        .filter(|_| adapted)
        .map(|pruner| pruner.masks().clone());
    if let (Some(masks), Some(pruner)) = (adapters, &mut pruner) {
        model = lora::attach(pruner.finish(model)?, &masks)?;
    }

    let mut tuning = Tuning {
        task,
        settings,
        place,
        optimizer: settings.strategy.optimizer(),
        pruner: pruner.as_mut().filter(|_| settings.when == When::During),
        steps,
        losses: Vec::new(),
        step: 0,
    };
    place.bar.set_length(steps as u64);
    place.bar.set_position(0);
    let mut epochs = Vec::new();
    for batches in &plan {
        model = tuning.epoch(model, batches)?;
        epochs.push(
            tuning
                .task
                .evaluate(&model.valid(), &device.clone().inner()),
        );
    }
    let losses = tuning.losses;

    let model = match &mut pruner {
        Some(pruner) if !adapted => pruner.finish(model)?,
        _ => model.materialize(),
    };
    let layers: Vec<Layer> = match &pruner {
        Some(pruner) => layers(pruner, &model),
        None => Vec::new(),
    };
    let [total, kept] = [|l: &Layer| l.total, |l: &Layer| l.kept]
        .map(|count| layers.iter().map(count).sum::<usize>());
    let [train_size, test_size] = task.sizes();
    Ok(Run {
        settings: settings.clone(),
        metric: task.metric().to_string(),
        epochs,
        majority: task.majority(),
        losses,
        sparsity: (total - kept) as f64 / total.max(1) as f64,
        layers,
        train_size,
        test_size,
        steps,
        seconds: start.elapsed().as_secs_f64(),
        revision: place.revision.clone(),
        backend: format!("{:?}", device.clone().inner()),
    })
}

/// Rounds of one batch each with frozen weights, as many as the schedule takes.
fn prune_before<T: Task>(
    task: &T,
    model: T::Model,
    pruner: &mut Pruner,
    settings: &Settings,
    place: &Place,
) -> Result<T::Model, Error> {
    let device = &place.device;
    place.bar.set_length(settings.rounds as u64);
    place.bar.set_position(0);
    let mut rng = StdRng::seed_from_u64(settings.seed ^ ROUNDS_SEED);
    let batches = std::iter::repeat_with(|| task.epoch(&mut rng)).flatten();
    let batches = batches
        .take(settings.rounds)
        .inspect(|_| place.bar.inc(1))
        .map(|indices| task.batch(&indices, device));
    let temperature = settings.scorer.temperature();
    let loss = |model: &T::Model, batch: T::Batch| match settings.scorer {
        ScorerName::Synflow => task.flow(model, device),
        _ => task.loss(model, &batch, temperature),
    };
    Ok(pruner.prune_before_training(model, batches, loss)?)
}

struct Tuning<'a, T> {
    task: &'a T,
    settings: &'a Settings,
    place: &'a Place,
    optimizer: ModuleOptimizer,
    pruner: Option<&'a mut Pruner>,
    steps: usize,
    step: usize,
    losses: Vec<(usize, f64)>,
}

impl<T: Task> Tuning<'_, T> {
    fn epoch(&mut self, mut model: T::Model, batches: &[Vec<usize>]) -> Result<T::Model, Error> {
        let rate = self.settings.learning_rate;
        for indices in batches {
            let batch = self.task.batch(indices, &self.place.device);
            let loss = self.task.loss(&model, &batch, 1.0);
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            if let Some(pruner) = &mut self.pruner {
                model = pruner.step(model, &grads)?;
            }
            let rate = self.settings.strategy.rate(rate, self.step, self.steps);
            model = self.optimizer.step(rate, model, grads);
            // Reading the loss waits for the device: not at every step.
            let kept = self.step.is_multiple_of(self.steps.div_ceil(LOSSES));
            if kept || self.step + 1 == self.steps {
                let (step, loss) = (self.step, f64::from(loss.into_scalar::<f32>()));
                if !loss.is_finite() {
                    return Err(Error::Diverged { step, loss });
                }
                self.losses.extend(kept.then_some((step, loss)));
                self.place.bar.set_message(format!("loss {loss:.4}"));
            }
            self.step += 1;
            self.place.bar.inc(1);
        }
        Ok(model)
    }
}

fn layers<M: Module>(pruner: &Pruner, model: &M) -> Vec<Layer> {
    let weights = pruner.report(model).weights.into_iter();
    weights
        .map(|weight| Layer {
            path: weight.path,
            total: weight.total,
            kept: weight.kept,
        })
        .collect()
}
