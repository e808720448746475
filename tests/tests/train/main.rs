//! A pruned model in Burn's own trainer.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod copies;
mod devices;
mod errors;
mod lora;
mod precision;
mod quantize;
mod records;
mod resume;
mod steps;
mod student;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use burn_seven::scorer::AnyScorer;
use burn_seven::train::{Pruned, Wrap};
use burn_seven::{CubicSchedule, MaskMode, Pruner, PrunerConfig, SevenScorerConfig, Sparsity};
use burn_seven_tests::last_device;
use burn_train::checkpoint::KeepLastNCheckpoints;
use burn_train::metric::LossMetric;
use burn_train::{Learner, LearnerModel, SupervisedTraining};

use student::{Student, loader};

/// Items, and so steps, of an epoch.
const ITEMS: u64 = 4;

/// A new folder for a run, which stays until the next run of these tests.
///
/// CubeCL reads a loaded checkpoint from its file only when the device gets to it, which may be after
/// a test's end.
fn folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trainer-{next}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn device() -> Device {
    last_device().autodiff()
}

fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}

/// Steps 2 to 17 prune to 0.8, at every other one.
fn config() -> PrunerConfig {
    PrunerConfig::new(CubicSchedule::new(2..18, sparsity(0.8)).with_interval(2))
}

fn seven() -> AnyScorer {
    SevenScorerConfig::new().init().into()
}

fn wrapped(scorer: AnyScorer, mode: MaskMode, seed: u64) -> Pruned<Student> {
    wrapped_on(&device(), scorer, mode, seed)
}

fn wrapped_on(device: &Device, scorer: AnyScorer, mode: MaskMode, seed: u64) -> Pruned<Student> {
    let model = Student::new(seed, device);
    let pruner = config().with_mode(mode).init(scorer, &model).unwrap();
    pruner.wrap(model).unwrap()
}

fn adamw() -> ModuleOptimizer {
    burn_seven_tests::model::adamw()
}

fn learner<M: LearnerModel>(model: M) -> Learner<M> {
    Learner::new(model, adamw(), 0.02)
}

/// A run over the first [`ITEMS`] items, which keeps all checkpoints.
fn training<M>(folder: &Path, epochs: usize, items: Vec<u64>) -> SupervisedTraining<M>
where
    M: LearnerModel,
    M: burn_train::TrainStep<Input = burn_seven_tests::model::Batch, Output = student::Output>,
    M: burn_train::InferenceStep<Input = burn_seven_tests::model::Batch, Output = student::Output>,
{
    SupervisedTraining::new(folder, loader(items), loader(vec![100]))
        .num_epochs(epochs)
        .with_default_checkpointers()
        .with_checkpointing_strategy(KeepLastNCheckpoints::new(100))
        .with_application_logger(None)
        .metric_train_numeric(LossMetric::new())
        .metric_valid_numeric(LossMetric::new())
}

fn items() -> Vec<u64> {
    (0..ITEMS).collect()
}

/// Stored weights, masks and scores to the bit, and the number of steps.
type Bits = (Vec<u32>, Vec<bool>, Vec<u32>, usize);

fn bits(model: Pruned<Student>) -> Bits {
    let (model, pruner) = model.into_parts().unwrap();
    let scores = pruner.scores().unwrap();
    let scores = scores.iter();
    let scores = scores.flat_map(|score| score.value().try_to_vec_as::<f32>().unwrap());
    (
        model.stored().into_iter().map(f32::to_bits).collect(),
        kept(&pruner),
        scores.map(f32::to_bits).collect(),
        pruner.steps(),
    )
}

fn kept(pruner: &Pruner) -> Vec<bool> {
    let masks = pruner.masks().iter();
    masks.flat_map(|mask| mask.to_vec()).collect()
}

fn bytes<M: Module>(model: M) -> Vec<u8> {
    model.into_record().into_bytes().unwrap().to_vec()
}
