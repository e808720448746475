//! The sparse linear layer: trained, pruned, packed, loaded and trained again.
#![allow(clippy::unwrap_used, missing_docs)] // a test may fail that way

use burn::module::{Lora, Module, ModuleMapper, Param, ParamGroup};
use burn::nn::{Linear, LinearConfig, LinearLayout};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Distribution, FloatDType, Tensor, activation};
use burn_seven::sparse::layer::{Choice, ROWS};
use burn_seven::sparse::{
    Activation, PackConfig, PackRule, SparseError, SparseLinear, SparseLinearConfig, load, pack,
    save,
};
use burn_seven::{
    CubicSchedule, MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, SevenScorerConfig,
    Sparsity,
};
use burn_seven_tests::{backend, devices};
use proptest::prelude::*;

#[derive(Module, Debug)]
struct Model {
    inner: SparseLinear,
    outer: SparseLinear,
}

/// The same with Burn's layers.
#[derive(Module, Debug)]
struct Plain {
    inner: Linear,
    outer: Linear,
}

impl Model {
    fn new(device: &Device) -> Self {
        Self {
            inner: SparseLinearConfig::new(20, 30)
                .with_activation(Activation::Gelu)
                .init(device),
            outer: SparseLinearConfig::new(30, 10).init(device),
        }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.outer.forward(self.inner.forward(input))
    }
}

fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}

fn always<M: Module>(model: &M) -> M {
    let config = PackConfig::new().with_rule(PackRule::Always);
    config.pack(model).unwrap().0
}

/// A model whose smallest weights are pruned, on its device without autodiff.
fn pruned(device: &Device, share: f64) -> Model {
    let model = Model::new(&device.clone().autodiff());
    let schedule = OneShotSchedule::new(0, sparsity(share));
    let config = PrunerConfig::new(schedule);
    let mut pruner = config
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap();
    let model = pruner.attach(model);
    let model = pruner.step(model, &GradientsParams::new()).unwrap();
    pruner.finish(model).unwrap().valid()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

fn assert_close(one: &[f32], other: &[f32]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert!(
            (one - other).abs() <= 1e-5 * (1.0 + other.abs()),
            "{one} {other}"
        );
    }
}

/// Whether the backend under test multiplies sparse.
fn has_kernel() -> bool {
    matches!(backend().as_deref(), None | Some("ndarray" | "flex"))
}

// [1 2] times [[3, 0], [0, -4]] plus [1, 1] is [4, -7].
#[test]
fn a_layer_computes_by_hand_dense_and_packed() {
    for device in devices() {
        let layer = |activation| SparseLinear {
            weight: Param::from_tensor(Tensor::from_floats([[3.0, 0.0], [0.0, -4.0]], &device)),
            bias: Some(Param::from_tensor(Tensor::from_floats([1.0, 1.0], &device))),
            activation,
        };
        let input = Tensor::<1>::from_floats([1.0, 2.0], &device);
        for (activation, expected) in [
            (Activation::None, [4.0, -7.0]),
            (Activation::Relu, [4.0, 0.0]),
            // 4 Φ(4) and -7 Φ(-7), with Φ(-4) = 3.167e-5 and Φ(-7) = 1.28e-12.
            (Activation::Gelu, [3.999_873_3, 0.0]),
        ] {
            let layer = layer(activation);
            assert_close(&values(layer.forward(input.clone())), &expected);
            let packed = always(&layer);
            assert_eq!(packed.is_packed(), has_kernel());
            assert_close(&values(packed.forward(input.clone())), &expected);
        }
    }
}

#[test]
fn an_unpacked_layer_is_burns_own_with_the_function_behind_it() {
    for device in devices() {
        let linear = LinearConfig::new(7, 5).init(&device);
        let layer = SparseLinear::from(linear.clone()).with_activation(Activation::Relu);
        let input = random([2, 3, 7], &device);
        let expected = activation::relu(linear.forward(input.clone()));
        assert_eq!(values(layer.forward(input)), values(expected));
    }
}

#[test]
fn a_layer_is_pruned_in_training_and_packed_after() {
    for device in devices() {
        let train = device.clone().autodiff();
        let mut model = Model::new(&train);
        let schedule = CubicSchedule::new(0..6, sparsity(0.8));
        let config = PrunerConfig::new(schedule);
        let mut pruner = config
            .init(SevenScorerConfig::new().init(), &model)
            .unwrap();
        model = pruner.attach(model);
        let mut optim = SgdConfig::new().init();
        let input = random([16, 20], &train);
        for _ in 0..8 {
            let loss = model.forward(input.clone()).powf_scalar(2.0).mean();
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = pruner.step(model, &grads).unwrap();
            model = optim.step(0.1, model, grads);
        }
        // Not before the masks are part of the weights.
        let error = pack(&model).unwrap_err();
        let SparseError::Reparameterized { path, kind } = &error else {
            panic!("{error}");
        };
        assert_eq!(
            (path.as_str(), kind.as_str()),
            ("inner.weight", "pruning_mask")
        );
        let model = pruner.finish(model).unwrap();
        let expected = values(model.forward(input.clone()));
        let (packed, report) = PackConfig::new()
            .with_rule(PackRule::Always)
            .pack(&model)
            .unwrap();
        let input = input.without_autodiff();
        assert_close(&values(packed.forward(input)), &expected);
        assert_eq!(report.layers.len(), 2);
        if has_kernel() {
            let kept: f64 = report
                .layers
                .iter()
                .map(|layer| {
                    let [inputs, outputs] = layer.shape;
                    (1.0 - layer.sparsity.unwrap()) * (inputs * outputs) as f64
                })
                .sum();
            assert_eq!(kept.round() as usize, 900 / 5);
        }
    }
}

#[test]
fn a_backend_without_a_sparse_product_leaves_layers_dense_and_says_so() {
    for device in devices() {
        let (model, report) = pack(&pruned(&device, 0.9)).unwrap();
        for (layer, reported) in [&model.inner, &model.outer].into_iter().zip(&report.layers) {
            match has_kernel() {
                true => assert!(reported.speedups.is_some()),
                false => {
                    assert_eq!(reported.choice, Choice::NoKernel);
                    assert!(report.to_string().contains("no sparse product for it"));
                }
            }
            assert_eq!(layer.is_packed(), reported.choice == Choice::Packed);
        }
    }
}

#[test]
fn a_record_of_a_packed_model_is_that_of_the_model() {
    for device in devices() {
        let model = pruned(&device, 0.8);
        let packed = always(&model);
        let input = random([9, 20], &device);
        let fresh = Model::new(&device);
        let loaded = fresh.load_record(packed.clone().into_record());
        assert!(!loaded.inner.is_packed());
        assert_eq!(
            values(loaded.inner.weight.val()),
            values(model.inner.weight.val())
        );
        // A packed model that is given other weights computes with those.
        let other = pruned(&device, 0.5);
        let changed = packed.load_record(other.clone().into_record());
        assert!(!changed.inner.is_packed());
        assert_eq!(
            values(changed.forward(input.clone())),
            values(other.forward(input))
        );
    }
}

#[test]
fn training_again_is_dense_and_trains_what_was_trained() {
    for device in devices() {
        let train = device.clone().autodiff();
        let mut model = Model::new(&train);
        model.outer.weight = model.outer.weight.set_require_grad(false);
        let expected = values(model.inner.weight.val());
        let packed = always(&model);
        assert!(!packed.inner.weight.val().is_autodiff());
        let model = packed.train();
        assert!(!model.inner.is_packed());
        assert_eq!(values(model.inner.weight.val()), expected);
        assert!(model.inner.weight.val().is_require_grad());
        assert!(!model.outer.weight.val().is_require_grad());
        let loss = model.forward(random([4, 20], &train)).sum();
        let grads = loss.backward();
        assert!(model.inner.weight.val().grad(&grads).is_some());
        assert!(model.outer.weight.val().grad(&grads).is_none());
    }
}

#[test]
fn gradients_of_the_input_are_those_of_the_dense_layer() {
    for device in devices() {
        let packed = always(&pruned(&device, 0.8));
        let input = random([3, 20], &device.clone().autodiff()).require_grad();
        let output = packed.forward(input.clone());
        let grad = input.grad(&output.sum().backward()).unwrap();
        let dense = packed.materialize().train().forward(input.clone());
        let expected = input.grad(&dense.sum().backward()).unwrap();
        assert_close(&values(grad), &values(expected));
    }
}

#[test]
fn packing_twice_and_materializing_change_nothing() {
    for device in devices() {
        let model = pruned(&device, 0.8);
        let input = random([40, 20], &device);
        let once = always(&model);
        let twice = always(&once);
        assert_eq!(twice.inner.is_packed(), has_kernel());
        let expected = values(once.forward(input.clone()));
        assert_eq!(values(twice.forward(input.clone())), expected);
        let plain = twice.materialize();
        assert!(!plain.inner.is_packed());
        assert_eq!(
            values(plain.forward(input.clone())),
            values(model.forward(input))
        );
    }
}

#[derive(Module, Debug)]
struct Mixed {
    plain: Linear,
    sparse: SparseLinear,
}

#[test]
fn packing_again_leaves_the_adapters_of_other_layers_alone() {
    for device in devices() {
        let lora = Lora::new(2, 4.0).set_param_group(ParamGroup::from_predicate("plain"));
        let train = device.autodiff();
        let model = Mixed {
            plain: LinearConfig::new(20, 30).init(&train),
            sparse: SparseLinearConfig::new(20, 30).init(&train),
        };
        let twice = always(&always(&model.apply_lora(lora)));
        assert!(twice.plain.weight.adapter().is_some());
        assert_eq!(twice.sparse.is_packed(), has_kernel());
    }
}

#[test]
fn moving_to_another_device_takes_the_packed_form_away() {
    let devices = devices();
    let (first, last) = (&devices[0], &devices[devices.len() - 1]);
    let model = pruned(first, 0.8);
    let packed = always(&model);
    let stays = packed.clone().to_device(first);
    assert_eq!(stays.inner.is_packed(), has_kernel());
    let moved = packed.fork(last);
    assert_eq!(moved.inner.is_packed(), has_kernel() && first == last);
    let input = random([5, 20], first);
    let expected = values(model.forward(input.clone()));
    assert_close(&values(moved.forward(input.to_device(last))), &expected);
}

#[test]
fn files_are_those_of_burns_layers_packed_or_not() {
    for device in devices() {
        let model = pruned(&device, 0.8);
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        std::fs::create_dir_all(&one).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        let [one, other] = [one, other].map(|folder| folder.join("model.safetensors"));
        save(&model, &one).unwrap();
        save(&always(&model), &other).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&other).unwrap());
        let plain = Plain {
            inner: LinearConfig::new(20, 30).init(&device),
            outer: LinearConfig::new(30, 10).init(&device),
        };
        let plain = load(&plain, &one).unwrap();
        assert_eq!(
            values(plain.inner.weight.val()),
            values(model.inner.weight.val())
        );
        save(&plain, &one).unwrap();
        let again = load(&always(&Model::new(&device)), &one).unwrap();
        assert!(!again.inner.is_packed());
        assert_eq!(
            values(again.outer.weight.val()),
            values(model.outer.weight.val())
        );
    }
}

#[test]
fn an_adapter_is_refused_by_its_weights_path() {
    for device in devices() {
        let model = Model::new(&device.autodiff()).apply_lora(Lora::new(2, 4.0));
        let error = pack(&model).unwrap_err();
        assert!(
            error.to_string().starts_with("inner.weight carries"),
            "{error}"
        );
    }
}

#[test]
fn the_rule_decides_by_sparsity_where_it_says_so() {
    for device in devices() {
        let model = pruned(&device, 0.8);
        for (least, packed) in [(0.3, true), (0.999, false)] {
            let rule = PackRule::AtLeast(sparsity(least));
            let (model, report) = PackConfig::new().with_rule(rule).pack(&model).unwrap();
            assert_eq!(model.inner.is_packed(), packed && has_kernel());
            assert!(report.layers.iter().all(|layer| layer.speedups.is_none()));
        }
    }
}

#[test]
fn only_float32_is_packed() {
    // Both multiply sparse and know float64; others need not.
    for device in [burn_seven_ndarray::device(), burn_seven_flex::device()] {
        let mut model = pruned(&device, 0.8);
        model.inner.weight = model
            .inner
            .weight
            .map(|weight| weight.cast(FloatDType::F64));
        let config = PackConfig::new().with_rule(PackRule::Always);
        let (model, report) = config.pack(&model).unwrap();
        assert_eq!(report.layers[0].choice, Choice::NotFloat32);
        assert!(!model.inner.is_packed() && model.outer.is_packed());
    }
}

#[test]
fn after_training_again_adapters_and_masks_go_on_as_on_any_layer() {
    for device in devices() {
        let packed = always(&Model::new(&device.clone().autodiff()));
        let model = packed.clone().train().apply_lora(Lora::new(2, 4.0));
        assert!(model.inner.weight.adapter().is_some());
        let loss = model
            .forward(random([4, 20], &device.clone().autodiff()))
            .sum();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        // Two factors a layer; Burn freezes what it adapts.
        assert_eq!(grads.len(), 4);

        let model = packed.train();
        let config = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.9)));
        let mut pruner = config
            .init(MagnitudeScorerConfig::new().init(), &model)
            .unwrap();
        let model = pruner.attach(model);
        let model = pruner.step(model, &GradientsParams::new()).unwrap();
        let model = pruner.finish(model).unwrap();
        assert_eq!(always(&model).inner.is_packed(), has_kernel());
    }
}

/// Adds 1 to every float parameter.
struct AddOne;

impl ModuleMapper for AddOne {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|values| values.add_scalar(1.0))
    }
}

#[test]
fn no_change_of_a_weight_leaves_an_old_packed_form() {
    for device in devices() {
        let input = random([9, 20], &device);
        let packed = always(&pruned(&device, 0.8));
        let before = values(packed.inner.weight.val());
        let mapped = packed.clone().map(&mut AddOne);
        assert!(!mapped.inner.is_packed());
        let after: Vec<f32> = before.iter().map(|value| value + 1.0).collect();
        assert_eq!(values(mapped.inner.weight.val()), after);

        let model = packed.clone().train();
        let train = device.clone().autodiff();
        let loss = model.forward(random([4, 20], &train)).sum();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        let model = SgdConfig::new().init().step(1.0, model, grads).valid();
        assert_ne!(values(model.inner.weight.val()), before);
        let expected = values(model.forward(input.clone()));
        assert_close(&values(always(&model).forward(input)), &expected);

        let frozen = packed.set_require_grad(false).train();
        assert!(!frozen.inner.weight.val().is_require_grad());
    }
}

#[test]
fn weights_that_are_stored_by_columns_are_packed_saved_and_loaded() {
    for device in devices() {
        let config = LinearConfig::new(20, 30).with_layout(LinearLayout::Col);
        let layer = |config: &LinearConfig| SparseLinear::from(config.init(&device));
        let (model, other) = (layer(&config), layer(&config));
        let packed = always(&model);
        assert_eq!(packed.is_packed(), has_kernel());
        let input = random([9, 20], &device);
        let expected = values(model.forward(input.clone()));
        assert_close(&values(packed.forward(input.clone())), &expected);
        // Into a layer that was not initialized: Burn's own has another shape after that.
        let loaded = other.load_record(packed.into_record());
        assert_eq!(values(loaded.weight.val()), values(model.weight.val()));
    }
}

#[test]
fn inputs_of_any_rank_and_layout_give_what_the_dense_layer_gives() {
    for device in devices() {
        let model = pruned(&device, 0.8);
        let (dense, packed) = (&model.inner, always(&model).inner);
        let three = random([20, 7, 3], &device).swap_dims(0, 2);
        assert_close(
            &values(packed.forward(three.clone())),
            &values(dense.forward(three)),
        );
        let four = random([2, 3, 5, 20], &device);
        assert_close(
            &values(packed.forward(four.clone())),
            &values(dense.forward(four)),
        );
        let mut holes = vec![0.5; 40];
        holes[3] = f32::NAN;
        let holes = Tensor::<1>::from_floats(holes.as_slice(), &device).reshape([2, 20]);
        let output = values(packed.forward(holes));
        assert!(output[..30].iter().any(|value| value.is_nan()));
        assert!(output[30..].iter().all(|value| value.is_finite()));
    }
}

#[test]
fn layers_are_called_from_several_threads_at_once() {
    for device in devices() {
        let model = always(&pruned(&device, 0.8));
        let input = random([64, 20], &device);
        let expected = values(model.forward(input.clone()));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert_eq!(values(model.forward(input.clone())), expected);
                    }
                });
            }
        });
    }
}

#[test]
fn the_report_shows_every_layer() {
    for device in devices() {
        let (_, report) = pack(&pruned(&device, 0.8)).unwrap();
        let text = report.to_string();
        for part in [
            "inner.weight",
            "20x30",
            "outer.weight",
            "30x10",
            "of 2 layers packed",
        ] {
            assert!(text.contains(part), "{text}");
        }
        for rows in ROWS {
            assert!(text.contains(&rows.to_string()), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(burn_seven_tests::cases(32)))]
    #[test]
    fn packed_layers_give_what_dense_ones_give(
        inputs in 1usize..70, outputs in 1usize..70, rows in 1usize..70, share in 0.0f64..0.99,
    ) {
        for device in devices() {
            let config = SparseLinearConfig::new(inputs, outputs).with_activation(Activation::Gelu);
            let mut layer = config.init(&device);
            let keep = random([inputs, outputs], &device).greater_elem(2.0 * share - 1.0);
            layer.weight = layer.weight.map(|weight| weight.mask_fill(keep.bool_not(), 0.0));
            let input = random([rows, inputs], &device);
            let dense = values(layer.forward(input.clone()));
            assert_close(&values(always(&layer).forward(input)), &dense);
        }
    }
}
