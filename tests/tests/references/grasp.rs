//! GraSP before training: one product of the Hessian and the whole set's gradient.

use burn::tensor::{Device, Tensor};
use burn_seven::scorer::{AnyScorer, Gradient, ModuleScorer, Reads, Sample, Score, Scorer};
use burn_seven::{Floor, GraspScorerConfig, OneShotSchedule, Pruner, PrunerConfig, Sparsity};
use burn_seven_tests::devices;

use super::record::{LAYERS, close, floats, mask, parse, values};
use super::toy::{Toy, batches};

const RECORD: &str = include_str!("../../references/grasp.json");

/// The product itself.
#[derive(Clone)]
struct Product;

impl Scorer for Product {
    type State = Score;

    fn name(&self) -> &'static str {
        "product"
    }

    fn reads(&self) -> Reads {
        Reads::gradient_of(Gradient::HessianGradient { epsilon: 1e-4 })
    }

    fn update(&self, _: Option<Score>, sample: &Sample<'_>) -> Score {
        Score::from(sample.grad())
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone()
    }
}

/// One cut after all four batches.
fn prune(scorer: impl Into<AnyScorer>, sparsity: Sparsity, device: &Device) -> Pruner {
    let record = parse(RECORD);
    let device = device.clone().autodiff();
    let model = Toy::new(&record, None, &device);
    let batches = batches(&record, &device);
    let mut pruner = PrunerConfig::new(OneShotSchedule::new(3, sparsity))
        .with_floor(Floor::Entries(0))
        .init(scorer, &model)
        .unwrap();
    pruner
        .prune_before_training(model, batches, |model, batch| {
            model.loss(&batch, Tensor::tanh)
        })
        .unwrap();
    pruner
}

/// Scores of all weights, of which none is pruned.
fn compare(scorer: impl Into<AnyScorer>, name: &str, device: &Device) {
    let pruner = prune(scorer, Sparsity::DENSE, device);
    let record = parse(RECORD);
    for (ours, layer) in values(&pruner.scores().unwrap()).iter().zip(LAYERS) {
        let recorded = floats(&record["result"][layer][name]);
        close(ours, &recorded, 2e-3, &format!("{name} of {layer}"));
    }
}

#[test]
fn the_product_is_that_of_the_whole_set() {
    for device in devices() {
        compare(ModuleScorer::from(Product), "product", &device);
    }
}

#[test]
fn scores_are_the_recorded_ones() {
    for device in devices() {
        compare(GraspScorerConfig::new().init(), "score", &device);
        let absolute = GraspScorerConfig::new().with_absolute(true);
        compare(absolute.init(), "absolute", &device);
    }
}

#[test]
fn masks_of_a_half_are_the_recorded_ones() {
    let record = parse(RECORD);
    let half = Sparsity::new(0.5).unwrap();
    for device in devices() {
        for (absolute, name) in [(false, "mask"), (true, "absolute_mask")] {
            let scorer = GraspScorerConfig::new().with_absolute(absolute).init();
            let pruner = prune(scorer, half, &device);
            assert_eq!(pruner.masks().kept(), 36);
            for (ours, layer) in pruner.masks().iter().zip(LAYERS) {
                let recorded = mask(&record["result"][layer][name]);
                assert_eq!(ours.to_vec(), recorded, "{name} of {layer}");
            }
        }
    }
}
