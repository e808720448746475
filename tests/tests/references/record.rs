//! Reading a record, and feeding it to a scorer.

use burn::tensor::{Device, Tensor, TensorData};
use burn_seven::scorer::{Scorer, Scores};
use burn_seven::{Masks, ModuleScorer, WeightGrad, WeightGrads};
use serde_json::Value;

pub const LAYERS: [&str; 2] = ["first", "second"];

pub fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// All numbers of nested lists.
pub fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

pub fn mask(value: &Value) -> Vec<bool> {
    floats(value).into_iter().map(|kept| kept == 1.0).collect()
}

pub fn steps(record: &Value) -> &[Value] {
    record["steps"].as_array().unwrap()
}

/// A matrix.
pub fn matrix(value: &Value, device: &Device) -> Tensor<2> {
    let rows = value.as_array().unwrap().len();
    let values = floats(value);
    let columns = values.len() / rows;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

/// The weights and gradients of one step.
pub fn sample(step: &Value, device: &Device) -> WeightGrads {
    let entries = LAYERS.map(|layer| {
        let part = |name: &str| matrix(&step[layer][name], device);
        WeightGrad::new(layer, part("weight"), Some(part("grad"))).unwrap()
    });
    WeightGrads::from_entries(entries.to_vec())
}

/// Folds a step into the scores.
pub fn fold<S: Scorer>(scorer: &mut ModuleScorer<S>, step: &Value, device: &Device) -> Scores {
    scorer.update(&sample(step, device)).unwrap();
    scorer.scores()
}

pub fn values(scores: &Scores) -> Vec<Vec<f32>> {
    let scores = scores.iter();
    let values = scores.map(|score| score.value().try_to_vec_as::<f32>().unwrap());
    values.collect()
}

/// Each number within `tolerance` of the recorded one, relative to the largest of them.
pub fn close(ours: &[f32], recorded: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), recorded.len(), "{what}");
    let largest = recorded
        .iter()
        .fold(0.0f32, |most, value| most.max(value.abs()));
    for (ours, recorded) in ours.iter().zip(recorded) {
        let error = (ours - recorded).abs();
        assert!(
            error <= tolerance * largest,
            "{what}: {ours} beside {recorded}, of at most {largest}"
        );
    }
}

/// Each number within `tolerance` of the recorded one, relative to itself.
pub fn equal(ours: &[f32], recorded: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), recorded.len(), "{what}");
    for (ours, recorded) in ours.iter().zip(recorded) {
        let error = (ours - recorded).abs();
        assert!(
            error <= tolerance * recorded.abs(),
            "{what}: {ours} beside {recorded}"
        );
    }
}

/// These masks beside those of a step.
pub fn same_masks(masks: &Masks, step: &Value) {
    for (ours, layer) in masks.iter().zip(LAYERS) {
        let recorded = mask(&step[layer]["mask"]);
        assert_eq!(ours.to_vec(), recorded, "{layer} at step {}", step["step"]);
    }
}
