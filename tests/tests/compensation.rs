//! Values that make up for what goes, and statistics of what enters a layer.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use burn_seven::compensation::{Change, Compensation, KeepSums};
use burn_seven::{
    Error, Inputs, MagnitudeScorerConfig, MaskMode, ModuleScorer, OneShotSchedule, PrunerConfig,
    Reads, Sample, Score, Scorer, Sparsity, WeightGrad, WeightGrads,
};
use burn_seven_tests::devices;

/// A layer of 4 inputs and 1 output.
fn linear(weights: [f32; 4], device: &Device) -> Linear {
    let mut model = LinearConfig::new(4, 1).with_bias(false).init(device);
    model.weight = model.weight.map(|old| {
        let values = Tensor::<1>::from_floats(weights, &old.device().without_autodiff());
        values.reshape([4, 1]).autodiff().require_grad()
    });
    model
}

fn half() -> PrunerConfig {
    PrunerConfig::new(OneShotSchedule::new(
        0,
        Sparsity::new(0.5).expect("a half is a sparsity"),
    ))
}

// 1 and 2 go; 3 and 4 get half of their sum each.
#[test]
fn what_goes_is_spread_over_what_stays() {
    for device in devices() {
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let device = device.clone().autodiff();
            let model = linear([1.0, 2.0, 3.0, 4.0], &device);
            let config = half().with_mode(mode).with_compensation(KeepSums);
            let scorer = MagnitudeScorerConfig::new().init();
            let mut pruner = config.init(scorer, &model).unwrap();
            let model = pruner.attach(model).unwrap();
            let model = pruner.step(model, &GradientsParams::new()).unwrap();
            let sparse = pruner.finish(model).unwrap();
            let values = sparse.weight.val().try_into_vec_as::<f32>().unwrap();
            assert_eq!(values, [0.0, 0.0, 4.5, 5.5], "{mode:?}");
        }
    }
}

#[derive(Debug)]
struct Fails;

impl Compensation for Fails {
    fn name(&self) -> String {
        "fails".to_string()
    }

    fn compensate(&self, change: &Change<'_>) -> Result<Tensor<1>, Error> {
        Err(Error::NonFinite {
            what: "weight",
            path: change.weight.path().to_string(),
        })
    }
}

#[test]
fn a_compensation_that_fails_leaves_model_and_pruner_as_they_were() {
    for device in devices() {
        let device = device.autodiff();
        let model = linear([1.0, 2.0, 3.0, 4.0], &device);
        let config = half().with_compensation(Fails);
        let scorer = MagnitudeScorerConfig::new().init();
        let mut pruner = config.init(scorer, &model).unwrap();
        let model = pruner.attach(model).unwrap();
        let error = pruner.step(model, &GradientsParams::new()).unwrap_err();
        let (model, error) = error.into_parts();
        assert!(matches!(error, Error::NonFinite { .. }));
        assert_eq!((pruner.steps(), pruner.masks().kept()), (0, 4));
        assert!(pruner.scores().unwrap().is_empty());
        let values = model.materialize().weight.val().try_into_vec_as::<f32>();
        assert_eq!(values.unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }
}

/// `|w|` times the norm of the input.
#[derive(Clone)]
struct ByInputs;

impl Scorer for ByInputs {
    type State = Score;

    fn name(&self) -> &'static str {
        "by_inputs"
    }

    fn reads(&self) -> Reads {
        Reads::weight().with_inputs()
    }

    fn update(&self, _: Option<Score>, sample: &Sample<'_>) -> Score {
        let inputs = sample.inputs().expect("inputs are read");
        Score::from(sample.weight().abs() * inputs.squares.clone().sqrt())
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone()
    }
}

#[test]
fn inputs_that_are_read_have_to_be_given_and_fit() {
    for device in devices() {
        let mut scorer = ModuleScorer::from(ByInputs);
        let weight = Tensor::<1>::from_floats([1.0, -2.0, 3.0, 4.0], &device).reshape([4, 1]);
        let entry = WeightGrad::new("w", weight, None).unwrap();
        let bare = WeightGrads::from_entries(vec![entry.clone()]);
        let error = scorer.update(&bare).unwrap_err();
        assert!(
            error.to_string().contains("WeightGrad::with_inputs"),
            "{error}"
        );

        let inputs = |squares: &[f32]| Inputs {
            squares: Tensor::from_floats(squares, &device),
            samples: 2,
        };
        let error = entry.clone().with_inputs(inputs(&[1.0])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the inputs of weight w has shape [1], but [4] was expected"
        );
        let entry = entry.with_inputs(inputs(&[4.0, 1.0, 0.0, 9.0])).unwrap();
        scorer
            .update(&WeightGrads::from_entries(vec![entry]))
            .unwrap();
        let scores = scorer.scores();
        let scores = scores.iter().next().unwrap().value().clone();
        assert_eq!(
            scores.try_into_vec_as::<f32>().unwrap(),
            [2.0, 2.0, 0.0, 12.0]
        );
    }
}

#[test]
fn a_scorer_goes_on_where_it_was_on_another_device() {
    let devices = devices();
    let grads = |device: &Device, step: usize| {
        let values: Vec<f32> = (0..6).map(|i| ((i * 7 + step * 3) as f32).sin()).collect();
        let weight = Tensor::<1>::from_floats(values.as_slice(), device);
        let entry = WeightGrad::new("w", weight.clone(), Some(weight.cos())).unwrap();
        WeightGrads::from_entries(vec![entry])
    };
    for (from, to) in devices.iter().zip(devices.iter().rev()) {
        let mut whole = burn_seven::SevenScorerConfig::new().init();
        let mut moved = whole.clone();
        for step in 0..3 {
            whole.update(&grads(to, step)).unwrap();
            moved.update(&grads(from, step)).unwrap();
        }
        let mut moved = moved.to_device(to).unwrap();
        for step in 3..6 {
            whole.update(&grads(to, step)).unwrap();
            moved.update(&grads(to, step)).unwrap();
        }
        let values = |scorer: &burn_seven::SevenScorer| {
            let scores = scorer.scores();
            let value = scores.iter().next().unwrap().value().clone();
            value.try_into_vec_as::<f32>().unwrap()
        };
        for (one, other) in values(&whole).iter().zip(values(&moved)) {
            assert!((one - other).abs() <= 1e-5 * one.abs(), "{one} {other}");
        }
    }
}
