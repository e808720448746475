//! The digits in Burn's own trainer: a vision Transformer is pruned by SEVEN to 80 % while `Learner`
//! trains it, stopped after half of the epochs, and resumed from its checkpoint.

use std::path::Path;
use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::AdamWConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_seven::train::{Pruned, WatchPruning, Wrap};
use burn_seven::{CubicSchedule, PrunerConfig, SevenScorerConfig, Sparsity};
use burn_seven_examples::digits::{Batch, Digits, Vit, VitConfig};
use burn_train::metric::{AccuracyMetric, LossMetric};
use burn_train::{ClassificationOutput, InferenceStep, Learner, SupervisedTraining};
use burn_train::{TrainOutput, TrainStep};

const EPOCHS: usize = 10;
const BATCH: usize = 50;

/// What Burn's trainer asks for: a step of training and one of validation.
#[derive(Module, Debug)]
struct Classifier {
    vit: Vit,
}

impl Classifier {
    fn output(&self, batch: Batch) -> ClassificationOutput {
        let scores = self.vit.forward(batch.images);
        let loss = CrossEntropyLossConfig::new().init(&scores.device());
        let loss = loss.forward(scores.clone(), batch.labels.clone());
        ClassificationOutput::new(loss, scores, batch.labels)
    }
}

impl TrainStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let output = self.output(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        self.output(batch)
    }
}

type AnyError = Box<dyn std::error::Error>;
type Item = (Vec<f32>, i64);
type Trained = Pruned<Classifier>;

struct Images;

impl Batcher<Item, Batch> for Images {
    fn batch(&self, items: Vec<Item>, device: &Device) -> Batch {
        let count = items.len();
        let (images, labels): (Vec<Vec<f32>>, Vec<i64>) = items.into_iter().unzip();
        let images = TensorData::new(images.concat(), [count, 8, 8]);
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), device);
        let images = Tensor::from_data(images, device);
        Batch { images, labels }
    }
}

fn loader(digits: &Digits) -> Arc<dyn DataLoader<Batch>> {
    let items = digits
        .iter()
        .map(|(image, class)| (image.to_vec(), class as i64));
    let dataset = InMemDataset::new(items.collect());
    DataLoaderBuilder::new(Images)
        .batch_size(BATCH)
        .build(dataset)
}

/// Trains a new model to the end of `epochs`, or the checkpoint of `resume` from there on.
fn train(folder: &Path, resume: Option<usize>, epochs: usize) -> Result<Trained, AnyError> {
    let (data, test) = Digits::load()?;
    let vit = VitConfig::new().init(&burn_seven::device().autodiff());
    let epoch = data.len() / BATCH;
    let schedule = CubicSchedule::new(2 * epoch..8 * epoch, Sparsity::new(0.8)?);
    let model = Classifier { vit };
    let pruner = PrunerConfig::new(schedule).init(SevenScorerConfig::new().init(), &model)?;
    let model = pruner.wrap(model)?;
    let mut training = SupervisedTraining::new(folder, loader(&data), loader(&test))
        .metrics((LossMetric::new(), AccuracyMetric::new()))
        .watch_pruning(&model) // sparsity and the like; an error of the pruner stops training
        .with_default_checkpointers()
        .num_epochs(epochs)
        .summary();
    if let Some(epoch) = resume {
        training = training.checkpoint(epoch);
    }
    let result = training.launch(Learner::new(model, AdamWConfig::new().init(), 1e-3));
    match result.error {
        Some(error) => Err(error.to_string().into()),
        None => Ok(result.model),
    }
}

fn main() -> Result<(), AnyError> {
    let folder = tempfile::tempdir()?;
    train(folder.path(), None, EPOCHS / 2)?;
    let model = train(folder.path(), Some(EPOCHS / 2), EPOCHS)?;
    println!("{}", model.pruner()?.report(model.model()));
    model.finish()?; // a plain Classifier, with exact zeros
    Ok(())
}
