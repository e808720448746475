//! Whole models pruned without training.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Tensor};
use burn_seven_after::{After, AfterError, Pattern, Solver, prune};
use burn_seven_core::{
    ErkBudget, GlobalBudget, MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, Sparsity,
};

#[derive(Module, Debug)]
struct Mlp {
    inner: Linear,
    outer: Linear,
}

impl Mlp {
    fn new(device: &Device) -> Self {
        Self {
            inner: LinearConfig::new(8, 32).init(device),
            outer: LinearConfig::new(32, 4).init(device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.outer.forward(relu(self.inner.forward(x)))
    }
}

fn half() -> Sparsity {
    Sparsity::new(0.5).unwrap()
}

fn inputs<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

fn zeros<const D: usize>(tensor: Tensor<D>) -> usize {
    let data = tensor.into_data();
    data.iter::<f32>().filter(|entry| *entry == 0.0).count()
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn distance<const D: usize>(one: Tensor<D>, other: Tensor<D>) -> f32 {
    let far = (one - other).square().mean();
    floats(far)[0]
}

#[test]
fn layers_are_pruned_in_order_by_what_the_layers_before_them_give() {
    let device = Device::flex();
    let model = Mlp::new(&device);
    let batches = [inputs([40, 8], &device), inputs([24, 8], &device)];
    let (pruned, report) = prune(&model, &batches, Mlp::forward, Solver::Wanda, half()).unwrap();
    let paths: Vec<&str> = report
        .layers
        .iter()
        .map(|layer| layer.path.as_str())
        .collect();
    assert_eq!(paths, ["inner.weight", "outer.weight"]);
    assert!(report.layers.iter().all(|layer| layer.samples == 64));
    assert_eq!(report.sparsity().unwrap(), half());
    // Wanda by hand: the second layer's inputs are those of the pruned first one.
    let x = Tensor::cat(batches.to_vec(), 0);
    let by_hand = |weight: Tensor<2>, x: Tensor<2>| {
        let norms = x.square().sum_dim(0).sqrt().transpose();
        let scores = weight.clone().abs() * norms;
        let [inputs, outputs] = weight.dims();
        let scores = floats(scores);
        let mut new = floats(weight);
        for output in 0..outputs {
            let mut order: Vec<usize> = (0..inputs).collect();
            let score = |input: &usize| scores[input * outputs + output];
            order.sort_by(|a, b| score(a).total_cmp(&score(b)));
            order[..inputs / 2]
                .iter()
                .for_each(|input| new[input * outputs + output] = 0.0);
        }
        new
    };
    assert_eq!(
        floats(pruned.inner.weight.val()),
        by_hand(model.inner.weight.val(), x.clone())
    );
    let hidden = relu(pruned.inner.forward(x));
    assert_eq!(
        floats(pruned.outer.weight.val()),
        by_hand(model.outer.weight.val(), hidden)
    );
    // Biases stay.
    let bias = |layer: &Linear| floats(layer.bias.as_ref().unwrap().val());
    assert_eq!(bias(&pruned.inner), bias(&model.inner));
}

#[test]
fn solvers_with_updates_are_nearer_to_the_dense_model() {
    let device = Device::flex();
    device.seed(3);
    let model = Mlp::new(&device);
    let mixing = inputs([3, 8], &device);
    let x = inputs([256, 3], &device).matmul(mixing.clone()) + inputs([256, 8], &device) * 0.2;
    let test = inputs([256, 3], &device).matmul(mixing) + inputs([256, 8], &device) * 0.2;
    let far = |solver, refit| {
        let after = After::new(solver, half()).with_refit(refit);
        let (pruned, _) = after
            .prune(&model, std::slice::from_ref(&x), Mlp::forward)
            .unwrap();
        distance(pruned.forward(test.clone()), model.forward(test.clone()))
    };
    let magnitude = far(Solver::Magnitude, false);
    let gpt = far(Solver::SparseGpt, false);
    let refit = far(Solver::SparseGpt, true);
    assert!(gpt < 0.5 * magnitude, "{gpt} {magnitude}");
    assert!(refit < 0.5 * magnitude, "{refit} {magnitude}");
}

#[test]
fn an_encoder_is_pruned_whole_and_batches_may_differ_in_length() {
    let device = Device::flex();
    let config = TransformerEncoderConfig::new(16, 32, 2, 2).with_dropout(0.0);
    let model = config.init(&device);
    let forward =
        |model: &TransformerEncoder, x: Tensor<3>| model.forward(TransformerEncoderInput::new(x));
    let batches = [inputs([3, 7, 16], &device), inputs([2, 12, 16], &device)];
    let (pruned, report) = prune(&model, &batches, forward, Solver::SparseGpt, half()).unwrap();
    assert_eq!(report.layers.len(), 12, "{report}");
    assert!(report.skipped.is_empty(), "{report}");
    assert!(
        report
            .layers
            .iter()
            .all(|layer| layer.samples == 3 * 7 + 2 * 12)
    );
    assert!((report.sparsity().unwrap().value() - 0.5).abs() < 1e-9);
    let weight = pruned.layers[1].mha.output.weight.val();
    assert_eq!(zeros(weight), 128);
}

#[derive(Module, Debug)]
struct Convolutions {
    first: Conv2d,
    second: Conv2d,
    head: Linear,
}

impl Convolutions {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = relu(self.first.forward(x));
        let x = relu(self.second.forward(x));
        self.head.forward(x.flatten::<2>(1, 3))
    }
}

/// A convolution is the linear layer of its patches: pruning that layer gives the same weights.
#[test]
fn a_convolution_is_pruned_as_the_linear_layer_of_its_patches() {
    let device = Device::flex();
    let model = Convolutions {
        first: Conv2dConfig::new([2, 6], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_stride([2, 1])
            .init(&device),
        second: Conv2dConfig::new([6, 4], [3, 2])
            .with_dilation([1, 2])
            .init(&device),
        head: LinearConfig::new(4 * 2 * 6, 3).init(&device),
    };
    let x = inputs([5, 2, 8, 8], &device);
    let forward = Convolutions::forward;
    let (pruned, report) = prune(
        &model,
        std::slice::from_ref(&x),
        forward,
        Solver::SparseGpt,
        half(),
    )
    .unwrap();
    assert_eq!(report.layers.len(), 3, "{report}");
    let shapes: Vec<[usize; 2]> = report.layers.iter().map(|layer| layer.shape).collect();
    assert_eq!(shapes, [[18, 6], [36, 4], [48, 3]]);
    assert_eq!(report.layers[0].samples, 5 * 4 * 8);
    assert_eq!(zeros(pruned.first.weight.val()), 54);
    // The reported error is that of the layer's outputs, without bias, by Burn's own convolution.
    let outputs = |layer: &Conv2d| {
        let mut layer = layer.clone();
        layer.bias = None;
        layer.forward(x.clone())
    };
    let (dense, sparse) = (outputs(&model.first), outputs(&pruned.first));
    let error = (distance(dense.clone(), sparse) / floats(dense.square().mean())[0]).sqrt();
    let found = report.layers[0].error as f32;
    assert!((error - found).abs() < 1e-4 * error, "{error} {found}");
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_model() {
    let device = Device::flex();
    let model = Mlp::new(&device);
    let batches = [inputs([64, 8], &device)];
    let after = After::new(Solver::SparseGpt, half());
    let (whole, _) = after.prune(&model, &batches, Mlp::forward).unwrap();
    let mut run = after.start(&model, &batches, Mlp::forward).unwrap();
    assert_eq!((run.done(), run.total()), (0, 2));
    run.next_layer().unwrap();
    let (saved, done) = (run.model().clone(), run.done());
    let (resumed, report) = after
        .with_done(done)
        .prune(&saved, &batches, Mlp::forward)
        .unwrap();
    assert_eq!(report.layers.len(), 1);
    assert_eq!(
        floats(resumed.outer.weight.val()),
        floats(whole.outer.weight.val())
    );
    assert_eq!(
        floats(resumed.inner.weight.val()),
        floats(whole.inner.weight.val())
    );
}

#[test]
fn patterns_and_sparsities_are_kept() {
    let device = Device::flex();
    let model = Mlp::new(&device);
    let batches = [inputs([64, 8], &device)];
    let after = After::new(Solver::SparseGpt, half());
    let two_of_four = after.clone().with_pattern(Pattern::NOfM { kept: 2, of: 4 });
    let (pruned, _) = two_of_four
        .clone()
        .prune(&model, &batches, Mlp::forward)
        .unwrap();
    for column in pruned.outer.weight.val().transpose().iter_dim(0) {
        for group in floats(column).chunks(4) {
            assert_eq!(group.iter().filter(|entry| **entry == 0.0).count(), 2);
        }
    }
    let layers = two_of_four.with_layer("outer.weight", Sparsity::DENSE);
    let (pruned, _) = layers.prune(&model, &batches, Mlp::forward).unwrap();
    assert_eq!(
        floats(pruned.outer.weight.val()),
        floats(model.outer.weight.val())
    );
    // 40 and 36, scaled to keep 192 in all: 101.05 and 90.95.
    let erdos_renyi = after.with_budget(ErkBudget);
    let (pruned, _) = erdos_renyi.prune(&model, &batches, Mlp::forward).unwrap();
    assert_eq!(256 - zeros(pruned.inner.weight.val()), 101);
    assert_eq!(128 - zeros(pruned.outer.weight.val()), 91);
}

#[derive(Module, Debug)]
struct Twice {
    layer: Linear,
    head: Linear,
    hidden: Param<Tensor<2>>,
}

impl Twice {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = self.layer.forward(self.layer.forward(x));
        self.head.forward(x.matmul(self.hidden.val().transpose()))
    }
}

#[test]
fn a_layer_that_is_called_twice_is_left_alone_with_a_reason_and_a_transposed_weight_is_not() {
    let device = Device::flex();
    let model = Twice {
        layer: LinearConfig::new(8, 8).init(&device),
        head: LinearConfig::new(12, 3).init(&device),
        hidden: Param::from_tensor(inputs([12, 8], &device)),
    };
    let batches = [inputs([64, 8], &device)];
    let (pruned, report) = prune(&model, &batches, Twice::forward, Solver::Wanda, half()).unwrap();
    assert_eq!(report.skipped[0].0, "layer.weight");
    assert!(
        report.to_string().contains("used more than once"),
        "{report}"
    );
    assert_eq!(zeros(pruned.layer.weight.val()), 0);
    // Half of the 8 inputs of each of the 12 outputs.
    for row in pruned.hidden.val().iter_dim(0) {
        assert_eq!(zeros(row), 4);
    }
    // The head sees what the pruned hidden weight gives.
    let x = batches[0].clone();
    let seen = model.layer.forward(model.layer.forward(x));
    let seen = seen.matmul(pruned.hidden.val().transpose());
    let norms = floats(seen.square().sum_dim(0).sqrt());
    let (old, new) = (
        floats(model.head.weight.val()),
        floats(pruned.head.weight.val()),
    );
    for output in 0..3 {
        let score = |input: usize| old[input * 3 + output].abs() * norms[input];
        let kept = (0..12).filter(|input| new[input * 3 + output] != 0.0);
        let gone = (0..12).filter(|input| new[input * 3 + output] == 0.0);
        let least = kept.map(score).fold(f32::INFINITY, f32::min);
        assert!(gone.map(score).fold(0.0, f32::max) <= least);
    }
}

#[test]
fn a_trained_model_stays_a_trained_one() {
    let device = Device::flex().autodiff();
    let model = Mlp::new(&device);
    let batches = [inputs([64, 8], &device)];
    let (pruned, _) = prune(&model, &batches, Mlp::forward, Solver::SparseGpt, half()).unwrap();
    assert!(pruned.inner.weight.is_require_grad());
    assert_eq!(pruned.inner.weight.id, model.inner.weight.id);
}

#[test]
fn what_cannot_be_done_is_refused_with_both_values() {
    let device = Device::flex();
    let model = Mlp::new(&device);
    let batches = [inputs([16, 8], &device)];
    let after = After::new(Solver::SparseGpt, half());
    let refused = |after: After| {
        after
            .prune(&model, &batches, Mlp::forward)
            .unwrap_err()
            .to_string()
    };
    let nothing: [Tensor<2>; 0] = [];
    let error = after.prune(&model, &nothing, Mlp::forward).unwrap_err();
    assert!(matches!(error, AfterError::OutOfRange { .. }), "{error}");
    let error = refused(after.clone().with_damping(f64::NAN));
    assert!(
        error.contains("damping") && error.contains("NaN"),
        "{error}"
    );
    assert!(refused(after.clone().with_block(0)).contains("block"));
    assert!(refused(after.clone().with_budget(GlobalBudget)).contains("global"));
    let three_of_five = Pattern::NOfM { kept: 3, of: 5 };
    assert!(refused(after.clone().with_pattern(three_of_five)).contains("128"));
    let wanda = After::new(Solver::Wanda, half()).with_pattern(three_of_five);
    assert!(wanda.prune(&model, &batches, Mlp::forward).is_ok());
    let error = refused(after.clone().with_pattern(Pattern::NOfM { kept: 5, of: 4 }));
    assert!(error.contains("5:4"), "{error}");
    let error = refused(after.clone().with_layer("inner", half()));
    assert!(error.contains("inner.weight, outer.weight"), "{error}");
    assert!(refused(after.clone().with_done(3)).contains('3'));
    let nan = [inputs([16, 8], &device) * f32::NAN];
    let error = after.prune(&model, &nan, Mlp::forward).unwrap_err();
    assert!(matches!(error, AfterError::NonFinite { .. }), "{error}");
}

#[test]
fn models_that_cannot_be_pruned_say_why() {
    let device = Device::flex();
    let model = Mlp::new(&device);
    let after = After::new(Solver::Wanda, half());
    // The way through the model depends on the length.
    let batches = [inputs([16, 8], &device), inputs([4, 8], &device)];
    let other_way = |model: &Mlp, x: Tensor<2>| match x.dims()[0] {
        16 => model.forward(x),
        _ => model.inner.forward(x),
    };
    let error = after.prune(&model, &batches, other_way).unwrap_err();
    assert!(
        matches!(
            error,
            AfterError::AnotherWay {
                batch: 1,
                layer: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("outer.weight"), "{error}");

    // Something is done with the weight before it is read.
    let scaled = |model: &Mlp, x: Tensor<2>| x.matmul(model.inner.weight.val() * 2.0);
    let error = after
        .prune(&model, &batches, scaled)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("inner.weight: no product reads it as it is"),
        "{error}"
    );

    let mut shared = model.clone();
    shared.outer = LinearConfig::new(32, 8).init(&device);
    shared.inner = LinearConfig::new(8, 32).init(&device);
    let tied = Tied {
        head: shared.inner.weight.clone(),
        mlp: shared,
    };
    let (_, report) = after.prune(&tied, &batches[..1], Tied::forward).unwrap();
    assert_eq!(report.layers.len(), 1, "{report}");
    assert!(
        report.to_string().contains("its weight is shared"),
        "{report}"
    );

    let mut pruner = PrunerConfig::new(OneShotSchedule::new(1, half()))
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap();
    let masked = pruner.attach(model).unwrap();
    let error = after
        .prune(&masked, &batches[..1], Mlp::forward)
        .unwrap_err();
    assert!(
        matches!(error, AfterError::Reparameterized { .. }),
        "{error}"
    );
}

#[derive(Module, Debug)]
struct Tied {
    mlp: Mlp,
    head: Param<Tensor<2>>,
}

impl Tied {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.mlp.forward(x).matmul(self.head.val())
    }
}
