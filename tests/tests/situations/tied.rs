//! Two layers that share a parameter.

use burn::module::{Module, ParamGroup};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn_seven::{Error, Selection, SevenScorerConfig};

use super::*;

#[derive(Module, Debug)]
struct Twins {
    first: Linear,
    between: Linear,
    second: Linear,
}

impl Twins {
    fn new(device: &Device) -> Self {
        let first = LinearConfig::new(6, 6).init(device);
        Self {
            second: first.clone(),
            first,
            between: LinearConfig::new(6, 6).init(device),
        }
    }

    fn gradients(&self, step: usize, device: &Device) -> GradientsParams {
        let inputs: Vec<f32> = (0..24).map(|n| ((n * (step + 3)) as f32).sin()).collect();
        let inputs = Tensor::<1>::from_floats(inputs.as_slice(), device).reshape([4, 6]);
        let hidden = self.between.forward(self.first.forward(inputs).tanh());
        let loss = self.second.forward(hidden).square().mean();
        GradientsParams::from_grads(loss.backward(), self)
    }
}

fn tied(left_out: bool) -> Error {
    Error::Tied {
        path: "first.weight".to_string(),
        other: "second.weight".to_string(),
        left_out,
    }
}

#[test]
fn tied_weights_are_refused_unless_they_are_allowed() {
    for device in training_devices() {
        let model = Twins::new(&device);
        let init = |config: PrunerConfig| config.init(SevenScorerConfig::new().init(), &model);
        assert_eq!(init(config()).unwrap_err(), tied(false));
        assert!(init(config().with_tied(true)).is_ok());
    }
}

#[test]
fn one_of_two_tied_weights_cannot_be_left_out() {
    for device in training_devices() {
        let model = Twins::new(&device);
        let names = ["first.weight", "second.weight"];
        for name in names {
            let selection = Selection::new().without(ParamGroup::from_paths(vec![name]));
            for allowed in [false, true] {
                let config = config().with_selection(selection.clone());
                let config = config.with_tied(allowed);
                let error = config.init(SevenScorerConfig::new().init(), &model);
                assert_eq!(error.unwrap_err(), tied(true), "{name}");
            }
        }
        let selection = Selection::new().without(ParamGroup::from_paths(names.to_vec()));
        let config = config().with_selection(selection);
        let pruner = config.init(SevenScorerConfig::new().init(), &model);
        assert_eq!(pruner.unwrap().masks().total(), 36);
    }
}

#[test]
fn tied_weights_that_are_allowed_have_one_mask() {
    for device in training_devices() {
        for mode in MODES {
            let model = Twins::new(&device);
            let config = config().with_tied(true).with_mode(mode);
            let scorer = SevenScorerConfig::new().init();
            let mut pruner = config.init(scorer, &model).unwrap();
            let mut model = pruner.attach(model).unwrap();
            for step in 0..10 {
                let grads = model.gradients(step, &device);
                model = pruner.step(model, &grads).unwrap();
                model = pruner.after_step(model).unwrap();
                let mask = |path| pruner.masks().get(path).unwrap().to_vec();
                assert_eq!(mask("first.weight"), mask("second.weight"), "step {step}");
            }
            // Half of 3 · 36; a pair of tied entries counts for two.
            assert_eq!(pruner.masks().total(), 108);
            assert!((53..=54).contains(&pruner.masks().kept()));
            let sparse = pruner.finish(model).unwrap();
            let values = |linear: &Linear| linear.weight.val().try_into_vec_as::<f32>().unwrap();
            assert_eq!(values(&sparse.first), values(&sparse.second));
        }
    }
}
