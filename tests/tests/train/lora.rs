//! LoRA over a pruned base.

use burn::module::{Module, ModuleMapper, Param, ParamGroup};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn_seven::train::{MaskedLora, MaskedLoraConfig};
use burn_seven::{Error, MaskMode, Masks, Selection};
use burn_seven_tests::model::{Batch, Net, gradients};

use crate::{adamw, config, device, kept, seven};

fn pruned() -> (Net, Masks) {
    let mut optim = adamw();
    let model = Net::new(3, &device());
    let mut pruner = config().init(seven(), &model).unwrap();
    let mut model = pruner.attach(model).unwrap();
    for step in 0..20 {
        let grads = gradients(&model, step, &device());
        model = pruner.optimize(&mut optim, 0.02, model, grads).unwrap();
    }
    (pruner.finish(model).unwrap(), pruner.masks().clone())
}

fn lora() -> MaskedLoraConfig {
    MaskedLoraConfig::new(3).with_alpha(6.0)
}

fn zeros(model: &Net) -> Vec<bool> {
    let weights = model.effective().into_iter();
    weights.map(|weight| weight == 0.0).collect()
}

#[test]
fn what_is_pruned_stays_zero_in_training_and_in_the_merge() {
    let (base, masks) = pruned();
    let expected = zeros(&base);
    assert_eq!(expected.iter().filter(|zero| **zero).count(), 109);
    let mut optim = adamw();
    let mut model = lora().attach(base.clone(), &masks).unwrap();
    assert_eq!(
        model.effective(),
        base.effective(),
        "an adapter starts at 0"
    );
    for step in 0..10 {
        let grads = gradients(&model, step, &device());
        model = optim.step(0.02, model, grads);
        assert_eq!(zeros(&model), expected);
    }
    let base_now = model.first.weight.base().try_into_vec_as::<f32>().unwrap();
    let base_then = base.first.weight.val().try_into_vec_as::<f32>().unwrap();
    assert_eq!(base_now, base_then, "the base is frozen");

    let merged = model.clone().materialize();
    assert!(
        merged
            .first
            .weight
            .reparameterization::<MaskedLora>()
            .is_none()
    );
    assert_ne!(merged.effective(), base.effective());
    assert_eq!(zeros(&merged), expected);
    let batch = Batch::new(50, &device());
    let values = |model: &Net| {
        let output = model.forward(batch.tokens.clone());
        output.try_into_vec_as::<f32>().unwrap()
    };
    for (merged, adapted) in values(&merged).into_iter().zip(values(&model)) {
        assert!((merged - adapted).abs() < 1e-6, "{merged} {adapted}");
    }
}

#[test]
fn only_adapters_and_what_is_named_are_trained() {
    let (base, masks) = pruned();
    let lora = lora().with_trained(ParamGroup::from_paths(vec!["head.weight", "head.bias"]));
    let model = lora.attach(base, &masks).unwrap();
    assert!(
        model
            .head
            .weight
            .reparameterization::<MaskedLora>()
            .is_none()
    );
    let grads = gradients(&model, 0, &device());
    // Two adapters of two factors, the head's weight and bias.
    assert_eq!(grads.len(), 2 * 2 + 2);
    assert!(grads.get::<2>(model.head.weight.id).is_some());
    assert!(grads.get::<2>(model.first.weight.id).is_none());
}

#[test]
fn what_does_not_fit_is_refused_with_both_values() {
    let (base, masks) = pruned();
    let refused = |lora: MaskedLoraConfig| {
        let error = lora.attach(base.clone(), &masks).unwrap_err();
        error.to_string()
    };
    let error = refused(MaskedLoraConfig::new(0));
    assert_eq!(error, "rank is 0, but should be at least 1");
    let error = refused(lora().with_alpha(f64::NAN));
    assert_eq!(error, "alpha is NaN, but should be finite and above 0");
    let error = lora()
        .with_trained(ParamGroup::all())
        .attach(base.clone(), &masks);
    assert!(matches!(error, Err(Error::NothingSelected { .. })));

    let model = lora().attach(base.clone(), &masks).unwrap();
    let error = lora().attach(model, &masks).unwrap_err();
    let expected = Error::Reparameterized {
        path: "first.weight".to_string(),
        kind: "masked_lora".to_string(),
    };
    assert_eq!(error, expected);
    let other = LinearConfig::new(6, 8).init(&device());
    let error = lora().attach(other, &masks).unwrap_err();
    assert!(matches!(error, Error::WeightMissing { .. }));
}

#[derive(Module, Debug)]
struct One {
    layer: Linear,
}

struct Factors;

impl ModuleMapper for Factors {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // The base is frozen; of the factors only B starts at 0.
        param.map(|old| match old.is_require_grad() {
            false => old,
            true => {
                let b = old.clone().detach().abs().max().into_scalar::<f32>() == 0.0;
                let value = if b { 3.0 } else { 2.0 };
                (old.detach() * 0.0 + value).detach().require_grad()
            }
        })
    }
}

// y = x·(w + s·a·b) with x = 1, a = 2, b = 3, s = 2 and the loss y: ∂a = s·b = 6, ∂b = s·a = 4, and
// s·(∂a·b + a·∂b - ∂a·∂b) = 2·(18 + 8 - 24) = 4. The true gradient is 1.
#[test]
fn gradients_of_the_base_are_estimated_from_those_of_the_adapters() {
    let layer = LinearConfig::new(1, 1).with_bias(false).init(&device());
    let model = One { layer };
    let masks = Masks::of_model(&model, &Selection::new()).unwrap();
    let lora = MaskedLoraConfig::new(1).with_alpha(2.0);
    let model = lora.attach(model, &masks).unwrap().map(&mut Factors);
    let loss = model
        .layer
        .forward(Tensor::<2>::ones([1, 1], &device()))
        .sum();
    let grads = GradientsParams::from_grads(loss.backward(), &model);
    let estimates = lora.base_gradients(&model, &grads);
    assert_eq!(estimates.len(), 1);
    let estimate = estimates.get::<2>(model.layer.weight.id).unwrap();
    assert_eq!(estimate.into_scalar::<f32>(), 4.0);
}

#[test]
fn a_frozen_base_is_pruned_by_what_its_adapters_say() {
    let model = Net::new(3, &device());
    let masks = Masks::of_model(&model, &Selection::new()).unwrap();
    let lora = lora();
    let mut model = lora.attach(model, &masks).unwrap();
    let config = config().with_mode(MaskMode::AfterStep).with_frozen(true);
    let mut pruner = config.init(seven(), &model).unwrap();
    model = pruner.attach(model).unwrap();
    let mut optim = adamw();
    for step in 0..20 {
        let grads = gradients(&model, step, &device());
        let estimates = lora.base_gradients(&model, &grads);
        model = pruner.step(model, &estimates).unwrap();
        model = lora.update_masks(model, pruner.masks());
        model = optim.step(0.02, model, grads);
        model = pruner.after_step(model).unwrap();
    }
    let merged = model.materialize();
    assert_eq!(zeros(&merged).iter().filter(|zero| **zero).count(), 109);
    let pruned: Vec<bool> = kept(&pruner).into_iter().map(|kept| !kept).collect();
    assert_eq!(zeros(&merged), pruned);
}
