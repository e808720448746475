//! Movement pruning, with learned scores and with sums.

use burn_seven::internals::Selector;
use burn_seven::{
    CubicSchedule, Entries, Floor, MovementRule, MovementScorer, MovementScorerConfig,
    PrunerConfig, Sparsity, UniformBudget,
};
use burn_seven_tests::devices;
use serde_json::Value;

use super::record::{LAYERS, close, floats, fold, parse, same_masks, steps, values};
use super::toy::{Toy, batches, sgd};

const LEARNED: &str = include_str!("../../references/movement_learned.json");
const SUM: &str = include_str!("../../references/movement_sum.json");

fn runs() -> [(Value, MovementScorer); 2] {
    let sum = MovementScorerConfig::new().with_rule(MovementRule::Sum);
    [
        (parse(LEARNED), MovementScorerConfig::new().init()),
        (parse(SUM), sum.init()),
    ]
}

#[test]
fn scores_and_masks_of_recorded_gradients_are_the_recorded_ones() {
    for device in devices() {
        for (record, mut scorer) in runs() {
            let selector = Selector::new(UniformBudget, Entries).with_floor(Floor::Entries(0));
            let mut masks = None;
            for step in steps(&record) {
                let scores = fold(&mut scorer, step, &device);
                for (ours, layer) in values(&scores).iter().zip(LAYERS) {
                    let recorded = floats(&step[layer]["score"]);
                    close(ours, &recorded, 1e-5, &format!("{layer}, {}", step["step"]));
                }
                let current = masks.unwrap_or_else(|| scores.dense_masks());
                let density = step["density"].as_f64().unwrap();
                let sparsity = Sparsity::new(1.0 - density).unwrap();
                let chosen = selector.select(&scores, &current, sparsity, true).unwrap();
                same_masks(&chosen.masks, step);
                masks = Some(chosen.masks);
            }
        }
    }
}

#[test]
fn a_pruner_trains_as_the_recorded_run() {
    for device in devices() {
        for (record, scorer) in runs() {
            let device = device.clone().autodiff();
            let model = Toy::new(&record, None, &device);
            let batches = batches(&record, &device);
            let schedule = CubicSchedule::new(5..20, Sparsity::new(0.6).unwrap())
                .with_scored_from(0)
                .with_chosen_until(30);
            let mut pruner = PrunerConfig::new(schedule)
                .with_floor(Floor::Entries(0))
                .init(scorer, &model)
                .unwrap();
            let mut model = pruner.attach(model).unwrap();
            let mut optim = sgd();
            for step in steps(&record) {
                // A pruned weight keeps its value.
                for (ours, layer) in model.stored().iter().zip(LAYERS) {
                    let recorded = floats(&step[layer]["weight"]);
                    close(ours, &recorded, 1e-5, &format!("{layer}, {}", step["step"]));
                }
                let grads = model.gradients(&batches, step);
                model = pruner.optimize(&mut optim, 0.05, model, grads).unwrap();
                same_masks(pruner.masks(), step);
            }
            for (ours, layer) in model.biases().iter().zip(LAYERS) {
                close(ours, &floats(&record["final"][layer]["bias"]), 1e-5, layer);
            }
        }
    }
}
