//! Training that is sparse from the start: RigL and SET.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use burn_seven::scorer::{AnyScorer, ModuleScorer, Regrowth, RiglState, Sample, Scorer};
use burn_seven::{
    ConstantSchedule, DropAndGrow, Floor, MaskMode, PrunerConfig, RiglScorerConfig, Sparsity,
    UniformBudget,
};
use burn_seven_tests::devices;
use serde_json::Value;

use super::record::{LAYERS, close, floats, mask, parse, same_masks, steps};
use super::toy::{Toy, batches, sgd};

/// SET with the random numbers of the record.
#[derive(Clone)]
struct Recorded(Arc<Value>);

/// The step of the first update, where the schedule's window starts.
const FIRST: usize = 1;

impl Scorer for Recorded {
    type State = RiglState;

    fn name(&self) -> &'static str {
        "recorded"
    }

    fn regrowth(&self) -> Regrowth {
        Regrowth::FromZero
    }

    fn update(&self, state: Option<RiglState>, sample: &Sample<'_>) -> RiglState {
        let steps = state.map_or(0, |state| state.steps);
        let own = &self.0["steps"][steps + FIRST][LAYERS[sample.index()]];
        let growth = match own.get("uniform") {
            None => sample.zeros(),
            Some(uniform) => {
                let numbers = floats(uniform);
                let data = TensorData::new(numbers.clone(), [numbers.len()]);
                Tensor::from_data(data, sample.description().device())
            }
        };
        RiglState {
            score: sample.weight().abs(),
            growth,
            steps: steps + 1,
        }
    }

    fn score(&self, state: &RiglState) -> Tensor<1> {
        state.score.clone()
    }

    fn growth(&self, state: &RiglState) -> Option<Tensor<1>> {
        Some(state.growth.clone())
    }
}

/// The recorded run: masks of each step, weights before each, and the end.
fn check(record: &Value, scorer: &AnyScorer, floor: usize) {
    let modes = [MaskMode::InGraph, MaskMode::AfterStep];
    let runs = devices()
        .into_iter()
        .flat_map(|one| modes.map(|mode| (one.clone(), mode)));
    for (device, mode) in runs {
        let device = device.autodiff();
        let model = Toy::new(record, Some(&record["initial_masks"]), &device);
        let batches = batches(record, &device);
        let half = Sparsity::new(0.5).unwrap();
        let schedule = ConstantSchedule::new(FIRST..24, half).with_interval(3);
        let mut pruner = PrunerConfig::new(schedule)
            .with_mode(mode)
            .with_budget(UniformBudget)
            .with_floor(Floor::Entries(floor))
            .with_drop_and_grow(DropAndGrow::new().with_end(24))
            .init(scorer.clone(), &model)
            .unwrap();
        let mut model = pruner.attach(model).unwrap();
        for (ours, layer) in pruner.masks().iter().zip(LAYERS) {
            assert_eq!(ours.to_vec(), mask(&record["initial_masks"][layer]));
        }
        let mut optim = sgd();
        let mut changes = 0;
        for step in steps(record) {
            for (ours, layer) in model.effective().iter().zip(LAYERS) {
                let recorded = floats(&step[layer]["weight"]);
                close(ours, &recorded, 1e-5, &format!("{layer}, {}", step["step"]));
            }
            let before = pruner.masks().clone();
            let grads = model.gradients(&batches, step);
            model = pruner.optimize(&mut optim, 0.05, model, grads).unwrap();
            same_masks(pruner.masks(), step);
            let pairs = before.iter().zip(pruner.masks().iter());
            let changed = pairs.filter(|(before, now)| before.to_vec() != now.to_vec());
            changes += usize::from(changed.count() > 0);
        }
        assert!(changes > 5, "{changes}");
        for (layer, (weight, bias)) in LAYERS
            .iter()
            .zip(model.effective().iter().zip(&model.biases()))
        {
            let recorded = &record["final"][layer];
            close(weight, &floats(&recorded["weight"]), 1e-5, layer);
            close(bias, &floats(&recorded["bias"]), 1e-5, layer);
        }
        pruner.finish(model).unwrap();
    }
}

#[test]
fn rigl_trains_as_the_recorded_run() {
    let record = parse(include_str!("../../references/rigl.json"));
    for floor in [0, 1] {
        check(&record, &RiglScorerConfig::new().init().into(), floor);
    }
}

#[test]
fn set_trains_as_the_recorded_run() {
    let record = parse(include_str!("../../references/set.json"));
    let scorer = ModuleScorer::from(Recorded(Arc::new(record.clone())));
    check(&record, &scorer.into(), 0);
}
