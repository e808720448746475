//! Every kind of bad input to a step is an error that names the parameter and the values, and leaves
//! model and pruner as they were.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod common;

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::LinearConfig;
use burn::optim::GradientsParams;
use burn::tensor::{FloatDType, Tensor};
use burn_seven::{
    Error, LinearSchedule, MagnitudeScorerConfig, MaskMode, NonFinitePolicy, Pruner, PrunerConfig,
    SevenScorerConfig, WeightGrads,
};
use burn_seven_tests::last_device;
use burn_seven_tests::model::{Net, adamw, gradients};

use common::*;

/// A step fails with `expected`, and nothing has changed: the state, the model that comes back, and
/// what the next good step gives.
fn refuses(
    mut pruner: Pruner,
    model: Net,
    good: &GradientsParams,
    bad: impl FnOnce(&mut Pruner) -> (Net, Error),
    expected: &str,
) {
    let before = (state(&pruner), model.effective());
    let mut untouched = pruner.clone();
    let (returned, error) = bad(&mut pruner);
    assert!(
        error.to_string().contains(expected),
        "{error} should contain {expected:?}"
    );
    assert_eq!(state(&pruner), before.0);
    assert_eq!(returned.effective(), before.1);

    let after = pruner.step(returned, good).unwrap();
    let reference = untouched.step(model, good).unwrap();
    assert_eq!(after.effective(), reference.effective());
    assert_eq!(state(&pruner), state(&untouched));
}

#[test]
fn a_missing_gradient() {
    let (pruner, model, grads) = running();
    let mut partial = gradients(&model, 2, &device());
    partial.remove::<2>(model.second.weight.id);
    refuses(
        pruner,
        model.clone(),
        &grads,
        |pruner| failed(pruner.step(model, &partial)),
        "weight second.weight has no gradient, but the scorer seven needs one",
    );
}

#[test]
fn a_nan_or_infinite_gradient() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (pruner, model, grads) = running();
        let mut bad = gradients(&model, 2, &device());
        let id = model.first.weight.id;
        let grad = bad.remove::<2>(id).unwrap();
        let device = grad.device();
        bad.register(
            id,
            grad.slice_assign([3..4, 5..6], Tensor::full([1, 1], value, &device)),
        );
        refuses(
            pruner,
            model.clone(),
            &grads,
            |pruner| failed(pruner.step(model, &bad)),
            "the gradient of weight first.weight holds a NaN or infinite value",
        );
    }
}

/// One NaN in the head's weight, masks and all else left in place.
struct Poison;

impl ModuleMapper for Poison {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| match value.shape().to_vec()[..] {
            [8, 3] => {
                let device = value.device();
                let bad = Tensor::full([1; D], f32::NAN, &device);
                let first = std::array::from_fn::<_, D, _>(|_| 0..1);
                value.slice_assign(first, bad).detach().require_grad()
            }
            _ => value,
        })
    }
}

fn poisoned(model: Net) -> Net {
    model.map(&mut Poison)
}

#[test]
fn a_nan_weight() {
    let (mut pruner, model, grads) = running();
    let before = state(&pruner);
    let (_, error) = failed(pruner.step(poisoned(model), &grads));
    let path = "head.weight".to_string();
    assert_eq!(
        error,
        Error::NonFinite {
            what: "weight",
            path: path.clone()
        }
    );
    assert_eq!(state(&pruner), before);
    let error = init(config(), &poisoned(Net::new(1, &device()))).unwrap_err();
    assert_eq!(
        error,
        Error::NonFinite {
            what: "weight",
            path
        }
    );
}

#[test]
fn skipping_nan_steps_counts_them_and_still_ends_on_the_target() {
    for (schedule, nan_at) in [
        (LinearSchedule::new(0..3, sparsity(0.5)), 2),
        // The only cut is due when there are no scores yet: it is made up for.
        (LinearSchedule::new(0..1, sparsity(0.5)), 0),
    ] {
        let model = Net::new(1, &device());
        let config = PrunerConfig::new(schedule).with_non_finite(NonFinitePolicy::Skip);
        let mut pruner = init(config, &model).unwrap();
        let mut model = pruner.attach(model).unwrap();
        for step in 0..5 {
            let mut grads = gradients(&model, step, &device());
            if step == nan_at {
                let grad = grads.remove::<2>(model.first.weight.id).unwrap();
                grads.register(model.first.weight.id, grad.mul_scalar(f32::NAN));
            }
            model = pruner.step(model, &grads).unwrap();
        }
        let report = pruner.report(&model);
        assert_eq!(report.skipped_steps, 1);
        assert_eq!(report.kept, 68); // half of 6·8 + 8·8 + 8·3 = 136
        assert!(pruner.is_finished());
    }
}

#[test]
fn a_changed_shape() {
    let (mut pruner, mut model, grads) = running();
    let before = state(&pruner);
    let id = model.head.weight.id;
    model.head = LinearConfig::new(8, 5).init(&device());
    model.head.weight.id = id;
    let (_, error) = failed(pruner.step(model, &grads));
    assert_eq!(
        error.to_string(),
        "the value of weight head.weight has shape [8, 5], but [8, 3] was expected"
    );
    assert_eq!(state(&pruner), before);
}

#[test]
fn a_gradient_of_another_shape() {
    let (pruner, model, grads) = running();
    let mut bad = gradients(&model, 2, &device());
    let id = model.first.weight.id;
    let grad = bad.remove::<2>(id).unwrap();
    bad.register(id, grad.transpose());
    refuses(
        pruner,
        model.clone(),
        &grads,
        |pruner| failed(pruner.step(model, &bad)),
        "the gradient of weight first.weight has shape [8, 6], but [6, 8] was expected",
    );
}

#[test]
fn a_changed_dtype() {
    let device = last_device().autodiff();
    if !device.supports_dtype(FloatDType::F16) {
        eprintln!("{device:?} has no float16");
        return;
    }
    let model = LinearConfig::new(4, 4).init(&device);
    let mut pruner = config()
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let mut half = model;
    half.weight = half
        .weight
        .map(|weight| weight.cast(FloatDType::F16).detach().require_grad());
    let error = pruner.attach(half).unwrap_err();
    assert_eq!(
        error.to_string(),
        "weight weight is of type F16, but F32 was expected"
    );
}

#[test]
fn a_changed_set_of_parameters() {
    for (count, expected) in [
        (
            1,
            "weight layers.1.weight is missing: the set of parameters changed",
        ),
        (
            3,
            "weight layers.2.weight is new: the set of parameters changed",
        ),
    ] {
        let mut pruner = config()
            .init(MagnitudeScorerConfig::new().init(), &layers(2))
            .unwrap();
        let error = pruner.attach(layers(count)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    // The same for a scorer by itself.
    let mut scorer = MagnitudeScorerConfig::new().init();
    let grads = |count| WeightGrads::new(&layers(count), &GradientsParams::new()).unwrap();
    scorer.update(&grads(2)).unwrap();
    assert!(matches!(
        scorer.update(&grads(1)),
        Err(Error::WeightMissing { .. })
    ));
    assert!(matches!(
        scorer.update(&grads(3)),
        Err(Error::WeightAdded { .. })
    ));
    assert_eq!(scorer.scores().len(), 2);
}

#[test]
fn masks_attached_twice() {
    let (mut pruner, model, grads) = running();
    let before = model.effective();
    let (model, error) = pruner.attach(model).unwrap_err().into_parts();
    let path = "first.weight".to_string();
    assert_eq!(error, Error::MaskAttachedTwice { path: path.clone() });
    assert_eq!(model.effective(), before);
    assert!(pruner.clone().step(model.clone(), &grads).is_ok());
    // By another pruner too.
    assert_eq!(
        init(config(), &model).unwrap_err(),
        Error::MaskAttachedTwice { path: path.clone() }
    );
    let model = pruner.step(model, &grads).unwrap();
    assert!(pruner.finish_early(model).is_ok());
}

#[test]
fn masks_never_attached() {
    let model = Net::new(1, &device());
    let mut pruner = init(config(), &model).unwrap();
    let grads = gradients(&model, 0, &device());
    let (model, error) = failed(pruner.step(model, &grads));
    assert_eq!(
        error.to_string(),
        "weight first.weight carries no pruning mask: call `attach` first"
    );
    assert_eq!(pruner.steps(), 0);
    assert!(matches!(
        pruner.finish_early(model).unwrap_err().error(),
        Error::MaskMissing { .. }
    ));
}

#[test]
fn masks_after_the_step_not_applied() {
    let model = Net::new(1, &device());
    let mut pruner = init(config().with_mode(MaskMode::AfterStep), &model).unwrap();
    let mut model = pruner.attach(model).unwrap();
    let grads = gradients(&model, 0, &device());
    model = pruner.step(model, &grads).unwrap();
    model = adamw().step(0.1, model, grads);
    let grads = gradients(&model, 1, &device());
    let (model, error) = failed(pruner.step(model, &grads));
    assert_eq!(error, Error::AfterStepMissing { step: 0 });
    let model = pruner.after_step(model).unwrap();
    assert!(pruner.step(model, &grads).is_ok());
}

/// A model that was moved after the pruner was made.
#[test]
fn a_changed_device() {
    let one = device();
    let other = match one == burn_seven_flex::device() {
        true => burn_seven_ndarray::device(),
        false => burn_seven_flex::device(),
    };
    let model = LinearConfig::new(4, 4).init(&one);
    let mut pruner = config()
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let before = state(&pruner);
    let moved = LinearConfig::new(4, 4).init(&other);
    let error = pruner.attach(moved).unwrap_err();
    assert!(
        matches!(error.error(), Error::DeviceMismatch { path, .. } if path == "weight"),
        "{error}"
    );
    assert_eq!(state(&pruner), before);
}
