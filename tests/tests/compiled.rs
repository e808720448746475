//! A pruned model, compiled: with masks in its graph and after them, trained on with autodiff, and
//! from another backend.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Lora, Module};
use burn::tensor::{Device, Int, Tensor};
use burn_seven::sparse::{CompileConfig, CompileError, ProductKind, Products, compile};
use burn_seven::{OneShotSchedule, PrunerConfig, SnipScorerConfig, Sparsity};
use burn_seven_tests::model::{Net, gradients};

fn device() -> Device {
    Device::flex()
}

fn tokens() -> Tensor<2, Int> {
    Tensor::from_ints([[1, 2], [3, 4], [9, 0]], &device())
}

fn largest(difference: Tensor<2>) -> f32 {
    difference.abs().max().into_scalar()
}

/// Everything skips zeros, however small.
fn sparse() -> CompileConfig {
    CompileConfig::new().with_products(Products::Sparse)
}

#[test]
fn masks_are_part_of_the_compiled_weights_and_stay_when_they_are_made_permanent() {
    let training = device().autodiff();
    let model = Net::new(1, &training);
    let schedule = OneShotSchedule::new(0, Sparsity::new(0.75).unwrap());
    let scorer = SnipScorerConfig::new().init();
    let mut pruner = PrunerConfig::new(schedule).init(scorer, &model).unwrap();
    let model = pruner.attach(model).unwrap();
    let grads = gradients(&model, 0, &training);
    let model = pruner.step(model, &grads).unwrap();
    let expected = model.valid().forward(tokens());

    // With autodiff and masks, as it is trained.
    let masked = sparse().compile(&model, tokens(), Net::forward).unwrap();
    assert!(largest(masked.run(tokens()).unwrap() - expected.clone()) < 1e-5);
    let report = masked.report().unwrap();
    assert!(
        report
            .products
            .iter()
            .all(|one| one.product == ProductKind::Sparse)
    );
    let zeros: f64 = report.products.iter().map(|one| one.sparsity).sum();
    assert!(zeros > 1.5, "{report}");
    assert!(
        report.products[0].paths[0].contains("first.weight"),
        "{report}"
    );

    let model = pruner.finish(model).unwrap();
    let plain = sparse().compile(&model, tokens(), Net::forward).unwrap();
    assert!(largest(plain.run(tokens()).unwrap() - expected) < 1e-5);
    let report = plain.report().unwrap();
    let paths: Vec<_> = report.products.iter().flat_map(|one| &one.paths).collect();
    assert_eq!(paths, ["first.weight", "second.weight", "head.weight"]);
}

#[test]
fn adapters_are_folded_into_the_weights() {
    let model = Net::new(1, &device()).apply_lora(Lora::new(2, 4.0));
    let fast = compile(&model, tokens(), Net::forward).unwrap();
    let off = largest(fast.run(tokens()).unwrap() - model.forward(tokens()));
    assert!(off < 1e-5, "{off}");
    assert_eq!(fast.report().unwrap().products.len(), 3);
}

#[test]
fn a_compiled_model_keeps_the_weights_it_was_made_of() {
    let model = Net::new(1, &device());
    let fast = compile(&model, tokens(), Net::forward).unwrap();
    let before = fast.run(tokens()).unwrap();
    let other = Net::new(2, &device());
    assert!(largest(other.forward(tokens()) - before.clone()) > 1e-3);
    drop(model);
    assert_eq!(largest(fast.run(tokens()).unwrap() - before), 0.0);
}

#[test]
fn models_and_inputs_of_another_backend_are_refused_by_name() {
    let elsewhere = burn_seven_tests::devices();
    let Some(elsewhere) = elsewhere.into_iter().find(|other| *other != device()) else {
        return; // this run has flex alone
    };
    let model = Net::new(1, &elsewhere);
    let error = compile(&model, tokens(), Net::forward).unwrap_err();
    assert!(
        matches!(&error, CompileError::Device { name, .. } if name == "embedding.weight"),
        "{error}"
    );
    assert!(error.to_string().contains("to_device(&Device::flex())"));
    let model = model.to_device(&device());
    let fast = compile(&model, tokens(), Net::forward).unwrap();
    let input = tokens().to_device(&elsewhere);
    let error = fast.run(input).unwrap_err();
    assert!(
        matches!(&error, CompileError::Device { name, .. } if name == "input 0"),
        "{error}"
    );
}
