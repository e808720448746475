//! Hessian-gradient products and GraSP: by hand, in closed form, and beside float64.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use burn_seven::{
    Error, GraspScorerConfig, MagnitudeScorerConfig, MaskMode, OneShotSchedule, PrunerConfig,
    Selection, Sparsity, probe::hessian_gradient,
};
use burn_seven_tests::model::Noise;
use burn_seven_tests::{devices, last_device};

const EPSILON: f64 = 1e-4; // the default

/// `y = x W` without a bias.
fn linear<const I: usize>(weights: [f32; I], device: &Device) -> Linear {
    let mut linear = LinearConfig::new(I, 1).with_bias(false).init(device);
    let data = TensorData::new(weights.to_vec(), [I, 1]);
    linear.weight = linear
        .weight
        .map(|old| Tensor::from_data(data, &old.device()).require_grad());
    linear
}

/// The mean square of `x W`: for two rows `X` its Hessian is `2/n · XᵀX = XᵀX`, exactly.
fn squares(model: &Linear, rows: Tensor<2>) -> Tensor<1> {
    model.forward(rows).square().mean()
}

fn rows(device: &Device) -> Tensor<2> {
    Tensor::from_floats([[1.0, 0.0], [1.0, 2.0]], device)
}

/// The values under the ids of a model's parameters, and those parameters, in order.
struct Values<'a> {
    grads: &'a GradientsParams,
    found: Vec<f64>,
}

impl ModuleVisitor for Values<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.found.extend(grad.into_data().iter::<f64>());
        }
    }
}

fn values<M: Module>(model: &M, grads: &GradientsParams) -> Vec<f64> {
    let found = Vec::new();
    let mut values = Values { grads, found };
    model.visit(&mut values);
    values.found
}

fn product(model: &Linear, device: &Device) -> Vec<f64> {
    let loss = |model: &Linear| squares(model, rows(device));
    values(
        model,
        &hessian_gradient(model, &Selection::new(), EPSILON, loss).unwrap(),
    )
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(error < 5e-3 * expected.abs() + 1e-9, "{found} {expected}");
    }
}

// X = (1 0; 1 2), w = (1, -1): H = XᵀX = (2 2; 2 4), g = H w = (0, -2), H g = (-4, -8).
#[test]
fn linear_regression_by_hand() {
    for device in devices() {
        let device = device.autodiff();
        let model = linear([1.0, -1.0], &device);
        assert_close(&product(&model, &device), &[-4.0, -8.0]);
        let stored = model.weight.val().try_into_vec_as::<f32>().unwrap();
        assert_eq!(stored, [1.0, -1.0]);
    }
}

// w = (1, -1): w · (H g) = (-4, 8). w = (-3, 1): g = (-4, -2), H g = (-12, -16), so (36, -16).
// w = (2, -3): g = (-2, -8), H g = (-20, -36), so (-40, 108).
#[test]
fn grasp_keeps_the_highest_product() {
    for device in devices() {
        let device = device.autodiff();
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            for (weights, kept, scores) in [
                ([1.0, -1.0], [false, true], [0.0, 8.0]),
                ([-3.0, 1.0], [true, false], [36.0, 0.0]),
                ([2.0, -3.0], [false, true], [0.0, 108.0]),
            ] {
                let model = linear(weights, &device);
                let one_cut = OneShotSchedule::new(1, Sparsity::new(0.5).unwrap());
                let config = PrunerConfig::new(one_cut).with_mode(mode);
                let scorer = GraspScorerConfig::new().init();
                let mut pruner = config.init(scorer, &model).unwrap();
                let batches = vec![rows(&device); 2];
                let model = pruner.prune_before_training(model, batches, squares);
                let masks: Vec<_> = pruner.masks().iter().map(|m| m.to_vec()).collect();
                assert_eq!(masks, [kept]);
                // Two equal batches: the product of their mean.
                let found = pruner.scores().unwrap();
                let found = found.iter().next().unwrap().value().clone();
                let found: Vec<f64> = found.into_data().iter::<f64>().collect();
                assert_close(&found, &scores);
                let sparse = pruner.finish(model.unwrap()).unwrap();
                let expected = [0, 1].map(|i| if kept[i] { weights[i] } else { 0.0 });
                let sparse = sparse.weight.val().try_into_vec_as::<f32>().unwrap();
                assert_eq!(sparse, expected);
            }
        }
    }
}

// The first weight, 0.5, is masked: the effective w is (0, -1), its gradient (-2, -4), of which the
// mask lets (0, -4) through; H g is (-8, -16), of which it lets (0, -16) through.
#[test]
fn masked_weights_have_no_part_in_the_product() {
    for device in devices() {
        let device = device.autodiff();
        let model = linear([0.5, -1.0], &device);
        let one_cut = OneShotSchedule::new(0, Sparsity::new(0.5).unwrap());
        let scorer = MagnitudeScorerConfig::new().init();
        let mut pruner = PrunerConfig::new(one_cut).init(scorer, &model).unwrap();
        let batches = [rows(&device)];
        let masked = pruner.prune_before_training(model, batches, squares);
        assert_close(&product(&masked.unwrap(), &device), &[0.0, -16.0]);
    }
}

/// `y = b · tanh(a x)`.
#[derive(Module, Debug)]
struct Tanh {
    a: Linear,
    b: Linear,
}

// L = b² s² with s = tanh(a) for x = 1, and s' = 1 - s². Its derivatives, by hand:
// L_a = 2 b² s s', L_b = 2 b s², L_aa = 2 b² s' (s' - 2 s²), L_ab = 4 b s s', L_bb = 2 s².
#[test]
fn a_loss_that_is_not_quadratic_in_closed_form() {
    for device in devices() {
        let device = device.autodiff();
        for (a, b) in [(0.5, -1.5), (-1.0, 0.75), (0.1, 3.0)] {
            let model = Tanh {
                a: linear([a as f32], &device),
                b: linear([b as f32], &device),
            };
            let x = Tensor::<2>::ones([1, 1], &device);
            let loss = |model: &Tanh| {
                let hidden = model.a.forward(x.clone()).tanh();
                model.b.forward(hidden).square().mean()
            };
            let s = f64::tanh(a);
            let s_ = 1.0 - s * s;
            let (g_a, g_b) = (2.0 * b * b * s * s_, 2.0 * b * s * s);
            let h_aa = 2.0 * b * b * s_ * (s_ - 2.0 * s * s);
            let (h_ab, h_bb) = (4.0 * b * s * s_, 2.0 * s * s);
            let expected = [h_aa * g_a + h_ab * g_b, h_ab * g_a + h_bb * g_b];
            let product = hessian_gradient(&model, &Selection::new(), EPSILON, loss).unwrap();
            assert_close(&values(&model, &product), &expected);
        }
    }
}

#[derive(Module, Debug)]
struct Encoder {
    encoder: TransformerEncoder,
    head: Linear,
}

impl Encoder {
    fn loss(&self, input: Tensor<3>) -> Tensor<1> {
        let hidden = self.encoder.forward(TransformerEncoderInput::new(input));
        self.head.forward(hidden).sin().square().mean()
    }

    /// Cross-entropy with the first class, of logits divided by GraSP's temperature.
    fn tempered(&self, input: Tensor<3>) -> Tensor<1> {
        let hidden = self.encoder.forward(TransformerEncoderInput::new(input));
        let logits = self.head.forward(hidden).div_scalar(200.0);
        log_softmax(logits, 2).narrow(2, 0, 1).mean().neg()
    }
}

/// Seeded values of this type, on this device.
struct Seeded(Noise, Device, DType);

impl Seeded {
    fn tensor<const D: usize>(&mut self, shape: [usize; D]) -> Tensor<D> {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| self.0.next()).collect();
        let values = TensorData::new(values, shape).convert_dtype(self.2);
        Tensor::from_data(values, (&self.1, self.2))
    }
}

impl ModuleMapper for Seeded {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|old| self.tensor(old.dims()).require_grad())
    }
}

/// The product for an encoder that is the same on every device.
fn encoder_product(
    device: &Device,
    dtype: DType,
    epsilon: f64,
    loss: fn(&Encoder, Tensor<3>) -> Tensor<1>,
) -> Vec<f64> {
    let device = device.clone().autodiff();
    let config = TransformerEncoderConfig::new(16, 32, 2, 2).with_dropout(0.0);
    let model = Encoder {
        encoder: config.init(&device),
        head: LinearConfig::new(16, 3).init(&device),
    };
    let mut seeded = Seeded(Noise::new(5), device, dtype);
    let model = model.map(&mut seeded);
    let input = seeded.tensor([4, 6, 16]);
    let loss = |model: &Encoder| loss(model, input.clone());
    values(
        &model,
        &hessian_gradient(&model, &Selection::new(), epsilon, loss).unwrap(),
    )
}

// A smaller step loses digits to rounding, a larger one to the loss not being quadratic.
#[test]
fn the_default_epsilon_gives_float64s_product_to_three_digits_and_others_fewer() {
    let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    for loss in [Encoder::loss, Encoder::tempered] {
        let reference = encoder_product(&burn_seven_flex::device(), DType::F64, 1e-6, loss);
        for device in devices() {
            let error = |epsilon| {
                let product = encoder_product(&device, DType::F32, epsilon, loss);
                let pairs = product.iter().zip(&reference);
                let error: Vec<f64> = pairs.map(|(p, r)| p - r).collect();
                norm(&error) / norm(&reference)
            };
            let best = error(EPSILON);
            assert!(best < 1e-3, "{best}");
            assert!(best < error(1e-6) && best < error(1e-2));
        }
    }
}

#[test]
fn half_precision_weights_have_a_float32_product() {
    let device = burn_seven_flex::device().autodiff();
    let mut model = linear([1.0, -1.0], &device);
    model.weight = model.weight.map(|old| {
        let half = old.without_autodiff().cast(FloatDType::F16);
        half.autodiff().require_grad()
    });
    let rows = rows(&device).cast(FloatDType::F16);
    let loss = |model: &Linear| squares(model, rows.clone());
    // A large step, as float16 asks for; the loss is quadratic.
    let product = hessian_gradient(&model, &Selection::new(), 0.25, loss).unwrap();
    let found: Tensor<2> = product.get(model.weight.id).unwrap();
    assert_eq!(found.dtype(), DType::F32);
    for (found, expected) in values(&model, &product).iter().zip([-4.0, -8.0]) {
        assert!((found - expected).abs() < 0.1, "{found} {expected}");
    }
}

#[test]
fn a_gradient_of_zero_has_a_product_of_zero_after_one_pass() {
    let device = last_device().autodiff();
    let model = linear([0.0, 0.0], &device);
    let mut calls = 0;
    let loss = |model: &Linear| {
        calls += 1;
        squares(model, rows(&device))
    };
    let product = hessian_gradient(&model, &Selection::new(), EPSILON, loss).unwrap();
    assert_eq!(values(&model, &product), [0.0, 0.0]);
    assert_eq!(calls, 1);
}

#[test]
fn weights_of_zero_have_a_product_too() {
    let device = last_device().autodiff();
    let model = linear([0.0, 0.0], &device);
    // L = mean (X w - 1)²: g = -Xᵀ1 = -(2, 2), H g = -(2·2 + 2·2, 2·2 + 4·2).
    let loss = |model: &Linear| (model.forward(rows(&device)) - 1.0).square().mean();
    let product = hessian_gradient(&model, &Selection::new(), EPSILON, loss).unwrap();
    assert_close(&values(&model, &product), &[-8.0, -12.0]);
}

#[test]
fn bad_input_is_refused_by_name() {
    let device = last_device().autodiff();
    let model = linear([1.0, -1.0], &device);
    let loss = |model: &Linear| squares(model, rows(&device));
    let product = |epsilon, loss: &dyn Fn(&Linear) -> Tensor<1>| {
        hessian_gradient(&model, &Selection::new(), epsilon, loss).map(|_| ())
    };
    for epsilon in [0.0, -1.0, 1.0, f64::NAN] {
        let error = product(epsilon, &loss).unwrap_err().to_string();
        let expected = format!("epsilon is {epsilon}, but should be in (0, 1)");
        assert_eq!(error, expected);
    }
    let infinite = |model: &Linear| loss(model).log().mul_scalar(f32::INFINITY);
    let error = product(EPSILON, &infinite).unwrap_err();
    assert_eq!(
        error,
        Error::NonFinite {
            what: "gradient",
            path: "weight".to_string()
        }
    );
    let nothing = Selection::new().with_group(burn::module::ParamGroup::from_predicate("bias"));
    let error = hessian_gradient(&model, &nothing, EPSILON, loss).unwrap_err();
    assert!(matches!(error, Error::NothingSelected { .. }));
}

#[test]
fn frozen_weights_have_no_product() {
    let device = last_device().autodiff();
    let model = linear([1.0, -1.0], &device).freeze();
    let loss = |model: &Linear| squares(model, rows(&device));
    let product = hessian_gradient(&model, &Selection::new(), EPSILON, loss).unwrap();
    assert!(product.is_empty());
}
