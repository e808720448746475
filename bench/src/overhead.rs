//! What pruning adds to a training step: dense, and SEVEN in both mask modes, in turn.

use std::time::Instant;

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use burn_seven::internals::Selector;
use burn_seven::{CubicSchedule, MaskMode, Pruner, PrunerConfig, SevenScorerConfig, Sparsity};
use burn_seven_examples::digits::{Digits, VitConfig};
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;

use crate::encoder::EncoderConfig;
use crate::numbers::Spread;
use crate::{Error, OverheadArgs, write_json};

/// Steps before the first that is measured.
const WARM_UP: usize = 2;

/// A whole run.
#[derive(Debug, Serialize)]
struct Run {
    device: String,
    kernels: String,
    threads: usize,
    models: Vec<Figures>,
}

/// The figures of one model.
#[derive(Debug, Serialize)]
struct Figures {
    model: String,
    weights: usize,
    /// Seconds a dense training step.
    dense: Spread,
    /// Time of a step with masks in the graph over that of the dense step beside it.
    in_graph: Spread,
    /// The same with masks after the step.
    after_step: Spread,
}

pub fn run(args: &OverheadArgs) -> Result<(), Error> {
    let device = burn_seven::device().autodiff();
    let mut run = Run {
        device: format!("{device:?}"),
        kernels: Selector::default().kernels_at(&device).to_string(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        models: Vec::new(),
    };
    println!(
        "a training step with SEVEN over the dense step beside it, masks new at every step; {}, {} threads, kernels {}",
        run.device, run.threads, run.kernels
    );
    println!("model         dense, ms                  in the graph               after the step");
    let only = |name: &str| args.model.as_ref().is_none_or(|only| only == name);
    if only("digits") {
        let (training, _) = Digits::load()?;
        let mut rng = StdRng::seed_from_u64(0);
        let batches: Vec<_> = training.epoch(32, &mut rng, &device).collect();
        let make = || VitConfig::new().init(&device);
        let steps = args.pairs * 10; // short steps need more of them
        let figures = compare("digits", steps, make, &device, |model, step| {
            model.loss(&batches[step % batches.len()])
        })?;
        run.models.push(figures);
    }
    if only("encoder") {
        let config = EncoderConfig::new();
        let batch = config.batch(32, 64, &device);
        let make = || config.init(&device);
        let figures = compare("encoder", args.pairs, make, &device, |model, _| {
            model.loss(&batch)
        })?;
        run.models.push(figures);
    }
    if run.models.is_empty() {
        let name = args.model.clone().unwrap_or_default();
        return Err(Error::Model(name));
    }
    write_json(args.json.as_deref(), &run)
}

/// One of the three ways to train.
struct Arm<M> {
    model: Option<M>,
    optimizer: ModuleOptimizer,
    pruner: Option<Pruner>,
}

impl<M: Module> Arm<M> {
    fn new(model: M, mode: Option<MaskMode>, steps: usize) -> Result<Self, Error> {
        let mut arm = Self {
            model: Some(model),
            optimizer: AdamWConfig::new().init(),
            pruner: None,
        };
        if let (Some(mode), Some(model)) = (mode, &arm.model) {
            let schedule = CubicSchedule::new(0..steps, Sparsity::new(0.9)?);
            let config = PrunerConfig::new(schedule).with_mode(mode);
            let mut pruner = config.init(SevenScorerConfig::new().init(), model)?;
            arm.model = arm.model.map(|model| pruner.attach(model)).transpose()?;
            arm.pruner = Some(pruner);
        }
        Ok(arm)
    }

    /// One training step, in seconds.
    fn step(&mut self, device: &Device, loss: impl Fn(&M) -> Tensor<1>) -> Result<f64, Error> {
        let mut model = self.model.take().ok_or(Error::Lost)?;
        let start = Instant::now();
        let grads = GradientsParams::from_grads(loss(&model).backward(), &model);
        if let Some(pruner) = &mut self.pruner {
            model = pruner.step(model, &grads)?;
        }
        model = self.optimizer.step(1e-4, model, grads);
        if let Some(pruner) = &mut self.pruner {
            model = pruner.after_step(model)?;
        }
        drop(device.sync()); // one that fails shows in the next read
        let seconds = start.elapsed().as_secs_f64();
        self.model = Some(model);
        Ok(seconds)
    }
}

fn compare<M: Module>(
    name: &str,
    pairs: usize,
    make: impl Fn() -> M,
    device: &Device,
    loss: impl Fn(&M, usize) -> Tensor<1>,
) -> Result<Figures, Error> {
    let steps = pairs + WARM_UP;
    let model = make();
    let weights = model.num_params();
    let mut arms = [
        Arm::new(model.clone(), None, steps)?,
        Arm::new(model.clone(), Some(MaskMode::InGraph), steps)?,
        Arm::new(model, Some(MaskMode::AfterStep), steps)?,
    ];
    let mut times: Vec<[f64; 3]> = Vec::new();
    for step in 0..steps {
        let mut seconds = [0.0; 3];
        // In turn, another one first each time.
        for place in 0..3 {
            let arm = (place + step) % 3;
            seconds[arm] = arms[arm].step(device, |model| loss(model, step))?;
        }
        if step >= WARM_UP {
            times.push(seconds);
        }
    }
    let ratio = |arm: usize| Spread::of(times.iter().map(|times| times[arm] / times[0]));
    let figures = Figures {
        model: name.to_string(),
        weights,
        dense: Spread::of(times.iter().map(|times| times[0])),
        in_graph: ratio(1),
        after_step: ratio(2),
    };
    let milliseconds = Spread::of(times.iter().map(|times| 1e3 * times[0]));
    println!(
        "{name:12}  {:25}  {:25}  {:25}",
        milliseconds.to_string(),
        figures.in_graph.to_string(),
        figures.after_step.to_string(),
    );
    Ok(figures)
}
