//! A sparse linear layer's life: trained, pruned, packed, saved, loaded and trained again.
#![allow(clippy::unwrap_used, missing_docs)] // a test may fail that way

#[path = "common/layer.rs"]
mod common;

use burn::module::{Lora, Module, ModuleMapper, Param, ParamGroup};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{FloatDType, Tensor};
use burn_seven::sparse::layer::{Choice, ROWS};
use burn_seven::sparse::{
    PackConfig, PackRule, SparseError, SparseLinear, SparseLinearConfig, load, pack, save,
};
use burn_seven::{
    CubicSchedule, MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, SevenScorerConfig,
};
use burn_seven_tests::devices;

use common::*;

/// The same with Burn's layers.
#[derive(Module, Debug)]
struct Plain {
    inner: Linear,
    outer: Linear,
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
        model = pruner.attach(model).unwrap();
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

#[derive(Module, Debug)]
struct Others {
    first: Linear,
    convolution: Conv2d,
    last: Linear,
    norm: LayerNorm,
}

/// By whatever rule: the report would be empty, and the model as slow as before.
#[test]
fn a_model_without_a_layer_to_pack_is_an_error_that_says_what_it_has() {
    for device in devices() {
        let linear = LinearConfig::new(4, 4);
        let model = Others {
            first: linear.init(&device),
            convolution: Conv2dConfig::new([1, 2], [3, 3]).init(&device),
            last: linear.init(&device),
            norm: LayerNormConfig::new(4).init(&device),
        };
        let expected = "the model has no SparseLinear, which is what pack packs; its weights are \
                        in Conv2d (1), Linear (2): SparseLinear::from makes one of a Linear, and \
                        burn_seven::sparse::compile takes any model";
        assert_eq!(pack(&model).unwrap_err().to_string(), expected);
        let always = PackConfig::new().with_rule(PackRule::Always);
        assert!(matches!(
            always.pack(&model).unwrap_err(),
            SparseError::NothingToPack { found } if found.len() == 2
        ));
        let error = pack(&model.norm).unwrap_err().to_string();
        assert!(error.contains("it has no weight at all"), "{error}");
        // An adapter's own weights are not layers of the model.
        let train = device.autodiff();
        let adapted = linear.init(&train).apply_lora(Lora::new(2, 4.0));
        assert!(matches!(
            pack(&adapted).unwrap_err(),
            SparseError::NothingToPack { found } if found == [("Linear".to_string(), 1)]
        ));
        let mixed = Mixed {
            plain: linear.init(&train),
            sparse: SparseLinearConfig::new(4, 4).init(&train),
        };
        assert_eq!(pack(&mixed).unwrap().1.layers.len(), 1);
    }
}

#[test]
fn an_input_without_rows_gives_an_output_without_rows() {
    for device in devices() {
        let model = pruned(&device, 0.8);
        for model in [always(&model), model] {
            let empty = Tensor::<2>::zeros([0, 20], &device);
            let output = model.inner.forward(empty);
            assert_eq!(output.dims(), [0, 30]);
            assert_eq!(output.device(), device);
            for shape in [[2, 0, 20], [0, 3, 20]] {
                let empty = Tensor::<3>::zeros(shape, &device);
                let output = model.inner.forward(empty);
                assert_eq!(output.dims(), [shape[0], shape[1], 30]);
                let output = model.outer.forward(output);
                assert_eq!(output.dims(), [shape[0], shape[1], 10]);
                assert_eq!(output.into_data().num_elements(), 0);
            }
            // The wrong number of inputs is still the mistake that it is.
            let wrong = Tensor::<2>::zeros([0, 19], &device);
            let forward = std::panic::AssertUnwindSafe(|| model.inner.forward(wrong));
            assert!(std::panic::catch_unwind(forward).is_err());
        }
    }
}

/// In training an empty batch is one that has no influence: no gradient is missing.
#[test]
fn a_batch_without_rows_has_gradients_of_zero() {
    for device in devices() {
        let train = device.autodiff();
        let model = Model::new(&train);
        let inner = model.inner.forward(Tensor::<3>::zeros([3, 0, 20], &train));
        let output = model.outer.forward(inner);
        assert_eq!(output.dims(), [3, 0, 10]);
        let grads = output.sum().backward();
        for layer in [&model.inner, &model.outer] {
            let grad = layer.weight.val().grad(&grads).unwrap();
            assert_eq!(
                values(grad),
                vec![0.0; layer.weight.val().shape().num_elements()]
            );
            let bias = layer.bias.as_ref().unwrap().val();
            assert_eq!(
                values(bias.grad(&grads).unwrap()),
                vec![0.0; bias.dims()[0]]
            );
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
        let model = pruner.attach(model).unwrap();
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
