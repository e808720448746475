//! Contract helpers that every scorer's tests call.

use burn::tensor::{DType, Device, Tensor};

use super::{DynScorer, ModuleScorer, Scorer};
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
    for stop in 1..7 {
        let mut whole = scorer.clone();
        let mut first = scorer.clone();
        for t in 0..8 {
            whole.update(&step(t)).unwrap();
            if t < stop {
                first.update(&step(t)).unwrap();
            }
        }
        let mut sink = StateSink::default();
        first.flatten(&mut sink);
        let weights = [("weight".to_string(), vec![5], DType::F32, Device::default())];
        let mut resumed = scorer.clone();
        resumed
            .unflatten(&weights, sink.tensors, sink.scalars)
            .unwrap();
        for t in stop..8 {
            resumed.update(&step(t)).unwrap();
        }
        let bits = |scorer| -> Vec<u32> { scores(scorer).iter().map(|s| s.to_bits()).collect() };
        assert_eq!(bits(&whole), bits(&resumed), "stopped after {stop} steps");
    }
}
