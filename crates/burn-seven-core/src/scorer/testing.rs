//! Contract helpers that every scorer's tests call.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor};

use super::{AnyScorer, ModuleScorer, Scorer};
use crate::kernels::KernelChoice;
use crate::weights::Weight;
use crate::{Error, StateSink, WeightGrad, WeightGrads};

/// A model of one flat weight.
pub(crate) fn one_weight(weight: &[f32], grad: &[f32]) -> WeightGrads {
    let device = Device::default();
    let weight = Tensor::<1>::from_floats(weight, &device);
    let grad = Tensor::<1>::from_floats(grad, &device);
    WeightGrads::from_entries(vec![WeightGrad::new("weight", weight, Some(grad)).unwrap()])
}

fn scores<S: Scorer>(scorer: &ModuleScorer<S>) -> Vec<f32> {
    let scores = scorer.scores();
    let score = scores.iter().next().unwrap();
    score.value().try_to_vec_as::<f32>().unwrap()
}

/// The scores of one weight after the given (weight, gradient) steps.
pub(crate) fn scores_after<S: Scorer>(
    mut scorer: ModuleScorer<S>,
    steps: &[(&[f32], &[f32])],
) -> Vec<f32> {
    for (weight, grad) in steps {
        scorer.update(&one_weight(weight, grad)).unwrap();
    }
    scores(&scorer)
}

/// A bad hyperparameter is an error with its name and value, and nothing is updated.
pub(crate) fn assert_refuses<S: Scorer>(
    mut scorer: ModuleScorer<S>,
    expected: &'static str,
    bad: f64,
) {
    match scorer.update(&one_weight(&[1.0], &[1.0])) {
        Err(Error::OutOfRange {
            parameter, value, ..
        }) => {
            assert_eq!((parameter, value), (expected, bad));
        }
        other => panic!("{expected} = {bad} should be refused, but gave {other:?}"),
    }
    assert!(scorer.scores().is_empty());
}

/// Statistics written in the middle of a stream and read back continue bit for bit.
pub(crate) fn assert_resumes<S: Scorer>(scorer: ModuleScorer<S>) {
    let step = |t: usize| {
        let value = |i: usize| ((t * 7 + i * 3) as f32 * 0.37).sin();
        let weight: Vec<f32> = (0..5).map(value).collect();
        let grad: Vec<f32> = (5..10).map(value).collect();
        one_weight(&weight, &grad)
    };
    let device = Device::default();
    let weights = [Arc::new(Weight::new("weight", [5], DType::F32, &device))];
    let kernels = KernelChoice::default();
    for stop in 1..7 {
        let mut whole = AnyScorer::from(scorer.clone());
        let mut first = whole.clone();
        let mut resumed = whole.clone();
        for t in 0..8 {
            whole.fold(step(t), None, &kernels);
            if t < stop {
                first.fold(step(t), None, &kernels);
            }
        }
        let mut sink = StateSink::default();
        first.flatten(&mut sink);
        resumed
            .unflatten(&weights, sink.tensors, sink.scalars)
            .unwrap();
        for t in stop..8 {
            resumed.fold(step(t), None, &kernels);
        }
        let bits = |scorer: &AnyScorer| -> Vec<u32> {
            let scores = scorer.scores();
            let value = scores.iter().next().unwrap().value();
            let values = value.try_to_vec_as::<f32>().unwrap();
            values.iter().map(|score| score.to_bits()).collect()
        };
        assert_eq!(bits(&whole), bits(&resumed), "stopped after {stop} steps");
    }
}
