//! SynFlow and gradients at absolute weights, by hand.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_seven::{
    Error, MaskMode, OneShotSchedule, PrunerConfig, Sparsity, SynflowScorerConfig,
    probe::absolute_gradient,
};
use burn_seven_tests::{devices, last_device};

/// Two layers with nothing between them.
#[derive(Module, Debug)]
struct Two {
    first: Linear,
    second: Linear,
}

/// Sets every value, parameter by parameter.
struct Set(Vec<Vec<f32>>);

impl ModuleMapper for Set {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = self.0.remove(0);
        param.map(|old| {
            let flat = Tensor::<1>::from_floats(values.as_slice(), &old.device());
            flat.reshape(old.shape()).require_grad()
        })
    }
}

impl Two {
    /// W1 = (-1 2; 3 -4), b1 = (-1, 1), W2 = (2; -1), b2 = -5.
    fn new(device: &Device) -> Self {
        let two = Self {
            first: LinearConfig::new(2, 2).init(device),
            second: LinearConfig::new(2, 1).init(device),
        };
        two.map(&mut Set(vec![
            vec![-1.0, 2.0, 3.0, -4.0],
            vec![-1.0, 1.0],
            vec![2.0, -1.0],
            vec![-5.0],
        ]))
    }

    fn flow(&self, input: Tensor<2>) -> Tensor<1> {
        self.second.forward(self.first.forward(input)).sum()
    }

    fn stored(&self) -> [Vec<f32>; 4] {
        let flat = |tensor: Tensor<1>| tensor.try_into_vec_as::<f32>().unwrap();
        let matrix = |linear: &Linear| flat(linear.weight.base().reshape([-1]));
        let bias = |linear: &Linear| flat(linear.bias.as_ref().unwrap().val());
        let (first, second) = (&self.first, &self.second);
        [matrix(first), bias(first), matrix(second), bias(second)]
    }
}

// With absolute values h = (1 + 3 + 1, 2 + 4 + 1) = (5, 7) and R = 2·5 + 7 + 5 = 22.
// ∂R/∂W1 = (2 1; 2 1), ∂R/∂b1 = (2, 1), ∂R/∂W2 = h.
#[test]
fn the_gradient_is_that_of_the_absolute_model_and_the_model_is_not_touched() {
    for device in devices() {
        let device = device.autodiff();
        let model = Two::new(&device);
        let came = model.stored();
        let mut flow = 0.0;
        let grads = absolute_gradient(&model, |model| {
            let output = model.flow(Tensor::ones([1, 2], &device));
            flow = output.clone().into_scalar::<f32>();
            output
        });
        let grads = grads.unwrap();
        assert_eq!(flow, 22.0);
        let matrix = |linear: &Linear| -> Vec<f32> {
            let grad: Tensor<2> = grads.get(linear.weight.id).unwrap();
            grad.try_into_vec_as().unwrap()
        };
        assert_eq!(matrix(&model.first), [2.0, 1.0, 2.0, 1.0]);
        assert_eq!(matrix(&model.second), [5.0, 7.0]);
        let bias: Tensor<1> = grads.get(model.first.bias.as_ref().unwrap().id).unwrap();
        assert_eq!(bias.try_into_vec_as::<f32>().unwrap(), [2.0, 1.0]);
        assert_eq!(model.stored(), came);
    }
}

// The scores are |W1| · ∂R/∂W1 = (2 2; 6 4) and |W2| · h = (10, 7): the highest three of six stay.
// In the second round h = (3, 0) + |b1| = (4, 1), so they are 6 and (8, 1): W2's second goes.
#[test]
fn rounds_by_hand() {
    for device in devices() {
        let device = device.autodiff();
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let kept = |rounds: usize, sparsity: f64| {
                let model = Two::new(&device);
                let came = model.stored();
                let target = Sparsity::new(sparsity).unwrap();
                let schedule = burn_seven::LinearSchedule::new(0..rounds, target)
                    .with_initial(Sparsity::new(if rounds > 1 { 0.3 } else { 0.0 }).unwrap());
                let config = PrunerConfig::new(schedule).with_mode(mode);
                let scorer = SynflowScorerConfig::new().init();
                let mut pruner = config.init(scorer, &model).unwrap();
                let ones = vec![Tensor::<2>::ones([1, 2], &device); rounds];
                let pruned = pruner.prune_before_training(model, ones, Two::flow);
                let sparse = pruner.finish(pruned.unwrap()).unwrap().stored();
                let masks = pruner.masks().iter().map(|mask| mask.to_vec());
                let masks: Vec<Vec<bool>> = masks.collect();
                // Signs and biases are as they came.
                let masked = |values: &[f32], mask: &[bool]| -> Vec<f32> {
                    let entries = values.iter().zip(mask);
                    entries
                        .map(|(v, kept)| if *kept { *v } else { 0.0 })
                        .collect()
                };
                assert_eq!(sparse[0], masked(&came[0], &masks[0]));
                assert_eq!(sparse[2], masked(&came[2], &masks[1]));
                assert_eq!((&sparse[1], &sparse[3]), (&came[1], &came[3]));
                masks.concat()
            };
            assert_eq!(kept(1, 0.5), [false, false, true, false, true, true]);
            // By way of 0.48: three of six stay, then two. One cut would keep (10, 7).
            assert_eq!(kept(2, 0.66), [false, false, true, false, true, false]);
        }
    }
}

#[derive(Module, Debug)]
struct Normed {
    linear: Linear,
    norm: BatchNorm,
}

#[test]
fn running_statistics_stay_as_they_are() {
    for device in devices() {
        let device = device.autodiff();
        let norm: BatchNorm = BatchNormConfig::new(2).init(&device);
        let model = Normed {
            linear: LinearConfig::new(2, 2).init(&device),
            norm,
        };
        let mean = |model: &Normed| {
            let mean = model.norm.running_mean.value_sync();
            mean.try_into_vec_as::<f32>().unwrap()
        };
        model
            .norm
            .running_mean
            .update(Tensor::from_floats([-3.0, 2.0], &device));
        assert_eq!(mean(&model), [-3.0, 2.0]);
        let input = Tensor::<2>::from_floats([[1.0, 1.0], [2.0, 5.0]], &device);
        absolute_gradient(&model, |model| {
            assert_eq!(mean(model), [3.0, 2.0]);
            let output = model.norm.forward(model.linear.forward(input.clone()));
            assert_eq!(mean(model), [3.0, 2.0]); // the copy is not in training
            output.sum()
        })
        .unwrap();
        assert_eq!(mean(&model), [-3.0, 2.0]);
    }
}

#[test]
fn checkpointed_models_are_refused_and_frozen_or_plain_ones_have_no_gradient() {
    let device = last_device();
    let flow = |device: &Device| {
        let input = Tensor::<2>::ones([1, 2], device);
        move |model: &Two| model.flow(input.clone())
    };
    let checkpointing = device.clone().autodiff().gradient_checkpointing();
    let model = Two::new(&checkpointing);
    let error = absolute_gradient(&model, flow(&checkpointing)).unwrap_err();
    assert!(matches!(error, Error::Checkpointed { .. }), "{error}");

    let frozen = Two::new(&device.clone().autodiff()).freeze();
    let grads = absolute_gradient(&frozen, flow(&device.clone().autodiff()));
    assert!(grads.unwrap().is_empty());
    let plain = Two::new(&device.clone().autodiff()).valid();
    assert!(absolute_gradient(&plain, flow(&device)).unwrap().is_empty());
}

#[test]
fn one_shot_on_a_dead_flow_is_an_exact_tie() {
    let device = last_device().autodiff();
    let model = Two::new(&device);
    let schedule = OneShotSchedule::new(0, Sparsity::new(0.5).unwrap());
    let scorer = SynflowScorerConfig::new().init();
    let mut pruner = PrunerConfig::new(schedule).init(scorer, &model).unwrap();
    let zeros = [Tensor::<2>::zeros([1, 2], &device)];
    let flow = |model: &Two, zeros: Tensor<2>| model.flow(zeros).mul_scalar(0.0);
    pruner.prune_before_training(model, zeros, flow).unwrap();
    assert_eq!(pruner.masks().kept(), 3);
}
