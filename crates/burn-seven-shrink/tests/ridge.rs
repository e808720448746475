//! What is left makes up for what goes.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod common;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn_seven_core::Sparsity;
use burn_seven_shrink::{Ridge, ShrinkError, groups, shrink};
use common::*;

fn half() -> Sparsity {
    Sparsity::new(0.5).unwrap()
}

/// One hidden layer of ReLU.
#[derive(Module, Debug)]
struct Pair {
    inner: Linear,
    outer: Linear,
}

impl Pair {
    fn new() -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        Self {
            inner: linear(16, 64),
            outer: linear(64, 8),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.outer.forward(relu(self.inner.forward(x)))
    }
}

/// 16 inputs that vary in 4 directions, as layers' inputs do, and a little beside.
fn correlated(mix: &Tensor<2>, rows: usize) -> Tensor<2> {
    random([rows, 4]).matmul(mix.clone()) + random([rows, 16]) * 0.05
}

/// Of the outputs' variation, the share that differs: root mean squares.
fn error(model: &Pair, other: &Pair, x: &Tensor<2>) -> f32 {
    let run = |model: &Pair| model.forward(x.clone()).inner();
    let (expected, found) = (run(model), run(other));
    let size = (expected.clone() - expected.clone().mean_dim(0))
        .square()
        .sum();
    ((expected - found).square().sum() / size)
        .sqrt()
        .into_scalar()
}

#[test]
fn half_of_the_neurons_of_a_relu_layer() {
    let (model, mix) = (Pair::new(), random([4, 16]));
    let (x, fresh) = (correlated(&mix, 1000), correlated(&mix, 1000));
    let groups = groups(&model, &x, Pair::forward).unwrap();
    let batches = [x.clone().narrow(0, 0, 600), x.clone().narrow(0, 600, 400)];
    let prune = |ridge: Ridge| {
        ridge
            .prune(&model, &groups, &batches, Pair::forward)
            .unwrap()
    };
    let (fitted, plain) = (
        prune(Ridge::new(half())),
        prune(Ridge::new(half()).with_fit(false)),
    );
    let [fitted_error, plain_error] = [&fitted, &plain].map(|other| error(&model, other, &fresh));
    println!("fitted {fitted_error}, plain {plain_error}");
    assert!(fitted_error <= 0.15, "{fitted_error}");
    assert!(plain_error >= 0.3, "{plain_error}");
    let (small, _) = shrink(&fitted, x, Pair::forward).unwrap();
    assert_eq!(small.outer.weight.dims(), [32, 8]);
    assert!((error(&model, &small, &fresh) - fitted_error).abs() < 1e-4);
}

// Neurons 32 to 63 are neurons 0 to 31 again; what reads them differs.
#[test]
fn duplicated_neurons_go_at_no_error() {
    let mut model = Pair::new();
    model.inner.weight = model.inner.weight.map(|weight| {
        let first = weight.narrow(1, 0, 32);
        Tensor::cat(vec![first.clone(), first], 1)
            .detach()
            .require_grad()
    });
    model.inner.bias = model.inner.bias.map(|bias| {
        bias.map(|bias| {
            let first = bias.narrow(0, 0, 32);
            Tensor::cat(vec![first.clone(), first], 0)
                .detach()
                .require_grad()
        })
    });
    let x = random([500, 16]);
    let groups = groups(&model, &x, Pair::forward).unwrap();
    let ridge = Ridge::new(half()).with_penalty(1e-8);
    let pruned = ridge
        .prune(&model, &groups, std::slice::from_ref(&x), Pair::forward)
        .unwrap();
    let (small, report) = shrink(&pruned, x.clone(), Pair::forward).unwrap();
    assert_eq!(report.groups()[0].after, 32);
    let error = error(&model, &small, &x);
    assert!(error < 1e-3, "{error}");
    assert!(small.inner.weight.is_require_grad());
}

#[test]
fn channels_are_fitted_too() {
    let model = ResNet::new();
    let x = random([8, 1, 6, 6]);
    let groups = groups(&model, &x, ResNet::forward).unwrap();
    let pruned = Ridge::new(half())
        .prune(&model, &groups, std::slice::from_ref(&x), ResNet::forward)
        .unwrap();
    let (_, report) = shrink(&pruned, x, ResNet::forward).unwrap();
    assert!(
        report
            .groups()
            .iter()
            .all(|group| group.after == group.before / 2),
        "{report}"
    );
}

#[test]
fn bad_settings_are_refused() {
    let model = Mlp::new();
    let x = random([4, 6]);
    let groups = groups(&model, &x, Mlp::forward).unwrap();
    let none: [Tensor<2>; 0] = [];
    let error = Ridge::new(half())
        .prune(&model, &groups, &none, Mlp::forward)
        .unwrap_err();
    assert!(matches!(
        error,
        ShrinkError::OutOfRange {
            parameter: "number of calibration inputs",
            ..
        }
    ));
    let ridge = Ridge::new(half()).with_penalty(-1.0);
    assert!(ridge.prune(&model, &groups, &[x], Mlp::forward).is_err());
}

#[test]
fn heads_and_neurons_are_fitted_too() {
    let model = Vit::new();
    let x = random([40, 4, 4]);
    let groups = groups(&model, &x, Vit::forward).unwrap();
    let prune = |ridge: Ridge| {
        let batches = std::slice::from_ref(&x);
        let pruned = ridge.prune(&model, &groups, batches, Vit::forward).unwrap();
        let (small, report) = shrink(&pruned, x.clone(), Vit::forward).unwrap();
        assert!(
            report
                .groups()
                .iter()
                .all(|group| group.after == group.before / 2),
            "{report}"
        );
        assert_eq!(small.encoder.layers[0].mha.heads(), 2);
        let run = |model: &Vit| model.valid().forward(x.clone().inner());
        (run(&model) - run(&small))
            .square()
            .mean()
            .into_scalar::<f32>()
    };
    let (fitted, plain) = (
        prune(Ridge::new(half())),
        prune(Ridge::new(half()).with_fit(false)),
    );
    assert!(fitted < plain, "{fitted} {plain}");
}
