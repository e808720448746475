//! Metrics, the model's own step, early stopping and the best checkpoint.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn_seven::MaskMode;
use burn_seven::train::{AfterPruning, BestPruned, WatchPruning, Wrap};
use burn_seven_tests::model::Batch;
use burn_train::metric::LossMetric;
use burn_train::metric::store::{Aggregate, Direction, EventStoreClient, Split};
use burn_train::{EarlyStoppingStrategy, TrainOutput, TrainStep};

use crate::student::{Output, Student};
use crate::{adamw, config, device, folder, items, learner, seven, training, wrapped};

/// The last value in a log of an epoch.
fn last(folder: &Path, epoch: usize, name: &str) -> f64 {
    let file = folder.join(format!("train/epoch-{epoch}/{name}.log"));
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text
        .lines()
        .rev()
        .find(|line| !line.contains("final"))
        .unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}

#[test]
fn metrics_are_in_burns_logs() {
    let folder = folder();
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let training = training(&folder, 5, items()).watch_pruning(&model);
    let result = training.launch(learner(model));
    let (_, pruner) = result.model.into_parts().unwrap();
    // 27 of 136 weights are kept; the ramp to 0.8 is over.
    let near = |name: &str, percent: f64| {
        let found = last(&folder, 5, name);
        assert!((found - percent).abs() < 1e-9, "{name}: {found}, {percent}");
    };
    near("Sparsity", 100.0 * 109.0 / 136.0);
    near("Target_Sparsity", 80.0);
    let densities = pruner.masks().iter();
    let densities = densities.map(|mask| mask.kept() as f64 / mask.total() as f64);
    let least = densities.fold(1.0, f64::min);
    near("Smallest_Layer_Density", 100.0 * least);
    // Masks were last chosen at steps 15 and 17: with t = 14/16 and 1 the cubic ramp is at
    // 0.8 · (1 - (1 - t)³) = 0.7984375 and 0.8; that is 27 kept of 136 both times (27.4 and 27.2).
    near("Mask_Change", 0.0);
    assert!(last(&folder, 1, "Sparsity") < last(&folder, 3, "Sparsity"));
}

/// A model that counts its optimizer's steps.
#[derive(Module, Debug)]
struct Counting {
    student: Student,
    #[module(skip)]
    steps: Arc<AtomicUsize>,
}

impl TrainStep for Counting {
    type Input = Batch;
    type Output = Output;

    fn step(&self, batch: Batch) -> TrainOutput<Output> {
        TrainStep::step(&self.student, batch)
    }

    fn optimize(
        self,
        optim: &mut ModuleOptimizer,
        learning_rate: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        self.steps.fetch_add(1, Ordering::Relaxed);
        optim.step(learning_rate, self, grads)
    }
}

#[test]
fn a_models_own_optimizer_step_is_called() {
    let model = Counting {
        student: Student::new(3, &device()),
        steps: Arc::default(),
    };
    let steps = model.steps.clone();
    let pruner = config().init(seven(), &model).unwrap();
    let mut model = pruner.wrap(model).unwrap();
    let mut optim = adamw();
    for item in 0..3 {
        let output = TrainStep::step(&model, Batch::new(item, &device()));
        model = model.optimize(&mut optim, 0.02.into(), output.grads);
    }
    assert_eq!(steps.load(Ordering::Relaxed), 3);
    assert_eq!(model.pruner().unwrap().steps(), 3);
}

/// Stops when it is asked first.
#[derive(Clone)]
struct AtOnce;

impl EarlyStoppingStrategy for AtOnce {
    fn should_stop(&mut self, _epoch: usize, _store: &EventStoreClient) -> bool {
        true
    }
}

#[test]
fn early_stopping_waits_for_the_pruning() {
    let folder = folder();
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let stopping = AfterPruning::new(AtOnce, &model);
    let training = training(&folder, 9, items()).early_stopping(stopping);
    let result = training.watch_pruning(&model).launch(learner(model));
    // The window's last step, 17, is in the fifth epoch of four.
    assert_eq!(result.model.pruner().unwrap().steps(), 20);
    assert!(result.model.finish().is_ok());
}

#[test]
fn the_best_checkpoint_is_a_pruned_one() {
    let folder = folder();
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let best = BestPruned::new(
        &LossMetric::new(),
        Aggregate::Mean,
        Direction::Highest, // so that the best is not simply the last
        Split::Train,
        &model,
    );
    let training = training(&folder, 9, items()).with_checkpointing_strategy(best);
    training.watch_pruning(&model).launch(learner(model));
    let there: Vec<usize> = (1..=9)
        .filter(|epoch| {
            folder
                .join(format!("checkpoint/model-{epoch}.bpk"))
                .exists()
        })
        .collect();
    let losses: Vec<f64> = (5..=9).map(|epoch| mean(&folder, epoch)).collect();
    let mut best = 0;
    for (place, loss) in losses.iter().enumerate() {
        if *loss > losses[best] {
            best = place;
        }
    }
    assert_eq!(there, [best + 5]);
}

fn mean(folder: &Path, epoch: usize) -> f64 {
    let file = folder.join(format!("train/epoch-{epoch}/Loss.log"));
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.contains("final"));
    let values = lines.map(|line| line.split(',').next().unwrap().parse::<f64>().unwrap());
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}
