//! Masks applied to the weights: frozen models, LoRA bases, dense gradients.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Lora, Module, ParamGroup};
use burn::tensor::Tensor;
use burn_seven::{
    LinearSchedule, MagnitudeScorerConfig, MaskMode, Masks, OneShotSchedule, PrunerConfig,
    RandomScorerConfig, Selection, SevenScorerConfig, Sparsity,
};
use burn_seven_tests::model::{Batch, Net, adamw, gradients};
use burn_seven_tests::{devices, last_device};

fn selection() -> Selection {
    Selection::new().without(ParamGroup::from_paths(vec!["head.weight"]))
}

fn config(steps: usize) -> PrunerConfig {
    let schedule = LinearSchedule::new(0..steps, Sparsity::new(0.75).unwrap());
    PrunerConfig::new(schedule)
        .with_selection(selection())
        .with_mode(MaskMode::AfterStep)
}

fn zeros(weight: &Tensor<2>) -> Vec<bool> {
    let values = weight.clone().try_into_vec_as::<f32>().unwrap();
    values.iter().map(|value| *value == 0.0).collect()
}

#[test]
fn the_base_of_a_lora_model_is_pruned_and_stays_so_through_training_and_merging() {
    for device in devices() {
        let device = device.autodiff();
        let lora = Lora::new(2, 4.0)
            .set_param_group(ParamGroup::from_any_predicates(vec!["first", "second"]));
        let model = Net::new(4, &device).apply_lora(lora);
        let mut pruner = config(4)
            .init(MagnitudeScorerConfig::new().init(), &model)
            .unwrap();
        let mut model = pruner.attach(model).unwrap();
        let mut optim = adamw();
        for step in 0..8 {
            let grads = gradients(&model, step, &device);
            model = pruner.step(model, &grads).unwrap();
            model = optim.step(0.05, model, grads);
            model = pruner.after_step(model).unwrap();
        }
        let model = pruner.finish(model).unwrap();
        let base = zeros(&model.second.weight.base());
        let mask = pruner.masks().get("second.weight").unwrap().to_vec();
        assert!(base.iter().zip(&mask).all(|(zero, kept)| *zero != *kept));
        // The adapter is still there, trained, and fills the zeros in when merged ...
        assert!(model.second.weight.adapter().is_some());
        let merged = model.materialize();
        let count = |zeros: &[bool]| zeros.iter().filter(|zero| **zero).count();
        assert!(count(&zeros(&merged.second.weight.val())) < count(&base) / 2);
        // ... until the masks are applied to the merged weight.
        let merged = pruner.masks().apply(merged).unwrap();
        assert_eq!(zeros(&merged.second.weight.val()), base);
    }
}

#[test]
fn frozen_weights_are_pruned_by_scorers_that_need_no_gradient() {
    let device = devices()[0].clone().autodiff();
    let model =
        Net::new(4, &device).freeze_group(ParamGroup::from_any_predicates(vec!["first", "second"]));
    let mut pruner = config(1)
        .init(RandomScorerConfig::new().init(), &model)
        .unwrap();
    let model = pruner.attach(model).unwrap();
    let grads = gradients(&model, 0, &device);
    let model = pruner.step(model, &grads).unwrap();
    assert_eq!(
        zeros(&model.second.weight.val())
            .iter()
            .filter(|zero| !**zero)
            .count()
            + zeros(&model.first.weight.val())
                .iter()
                .filter(|zero| !**zero)
                .count(),
        28
    );
    assert!(!model.second.weight.val().is_require_grad());
}

#[test]
fn gradients_are_dense() {
    let device = last_device().autodiff();
    let model = Net::new(4, &device);
    let mut pruner = config(1)
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap();
    let model = pruner.attach(model).unwrap();
    let model = pruner
        .step(model.clone(), &gradients(&model, 0, &device))
        .unwrap();
    let grads = model.loss(&Batch::new(3, &device)).backward();
    let weight = model.second.weight.val();
    let grad = weight
        .grad(&grads)
        .unwrap()
        .try_into_vec_as::<f32>()
        .unwrap();
    let reached = grad
        .iter()
        .zip(zeros(&weight))
        .filter(|(grad, zero)| *zero && **grad != 0.0);
    assert!(reached.count() > 0);
}

#[test]
fn masks_of_a_model_are_its_zeros_but_not_those_of_untrained_weights() {
    let device = devices()[0].clone();
    let mut model = Net::new(4, &device);
    model.second.weight = model.second.weight.map(|weight| weight.zeros_like());
    model.first.weight = model.first.weight.map(|weight| {
        let bottom = weight.clone().narrow(0, 2, 4);
        Tensor::cat(vec![weight.narrow(0, 0, 2).zeros_like(), bottom], 0)
    });
    let masks = Masks::of_model(&model, &Selection::new()).unwrap();
    let kept: Vec<usize> = masks.iter().map(|mask| mask.kept()).collect();
    assert_eq!(kept, [32, 64, 24]);
}

#[test]
fn what_is_matched_and_left_out_is_reported() {
    let device = devices()[0].clone().autodiff();
    let model = Net::new(4, &device);
    let schedule = OneShotSchedule::new(0, Sparsity::new(0.75).unwrap());
    let mut pruner = PrunerConfig::new(schedule)
        .with_selection(selection())
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let model = pruner.attach(model).unwrap();
    let grads = gradients(&model, 0, &device);
    let model = pruner.step(model, &grads).unwrap();
    let report = pruner.report(&model);
    let paths: Vec<&str> = report
        .weights
        .iter()
        .map(|weight| weight.path.as_str())
        .collect();
    assert_eq!(paths, ["first.weight", "second.weight"]);
    assert_eq!(
        (report.total, report.kept, report.sparsity),
        (112, 28, 0.75)
    );
    let reason = |path: &str| {
        let left = report.left_out.iter().find(|left| left.path == path);
        left.map(|left| left.reason.as_str())
    };
    assert_eq!(reason("embedding.weight"), Some("embedding table"));
    assert_eq!(reason("norm.gamma"), Some("rank below 2"));
    assert_eq!(reason("head.weight"), Some("left out by name"));

    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("weight         shape  entries  kept  sparsity"),
        "{text}"
    );
    assert!(
        lines[3].starts_with("all 2 weights             112    28   75.00 %"),
        "{text}"
    );
    let back: burn_seven::Report =
        serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(back, report);
    // The finished model gives the same counts.
    let sparse = pruner.finish(model).unwrap();
    assert_eq!(pruner.report(&sparse), report);
}

#[test]
fn embeddings_are_pruned_on_demand() {
    let device = devices()[0].clone().autodiff();
    let model = Net::new(4, &device);
    let schedule = OneShotSchedule::new(0, Sparsity::new(0.5).unwrap());
    let config = PrunerConfig::new(schedule).with_selection(
        Selection::new()
            .with_embeddings(true)
            .with_group(ParamGroup::from_predicate("embedding")),
    );
    let pruner = config
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap();
    assert_eq!(pruner.masks().total(), 60);
}
