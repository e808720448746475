//! What a sparse linear layer computes, dense and packed.
#![allow(clippy::unwrap_used, missing_docs)] // a test may fail that way

#[path = "common/layer.rs"]
mod common;

use burn::module::{Module, Param};
use burn::nn::{LinearConfig, LinearLayout};
use burn::tensor::{Tensor, activation};
use burn_seven::sparse::{Activation, SparseLinear, SparseLinearConfig};
use burn_seven_tests::devices;
use proptest::prelude::*;

use common::*;

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
