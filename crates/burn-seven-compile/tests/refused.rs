//! What cannot be compiled is an error that says why.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::{Module, Quantizer};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::quantization::{Calibration, QuantScheme};
use burn::tensor::{Int, Tensor};
use burn_seven_compile::{CompileConfig, CompileError, Tensors, compile};

use common::{device, floats, integers};

fn layer() -> Linear {
    LinearConfig::new(8, 4).init(&device())
}

/// Whose values the error says are read.
fn read<O: Tensors>(forward: impl Fn(&Linear, Tensor<2>) -> O + Send + Sync + 'static) -> String {
    match compile(&layer(), floats([2, 8], 1), forward) {
        Err(CompileError::ReadBack { tensor, .. }) => tensor,
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_that_are_read_back_are_named() {
    let tensor = read(|model: &Linear, x: Tensor<2>| {
        let first: f32 = x.clone().slice([0..1, 0..1]).into_scalar();
        match first > 0.0 {
            true => model.forward(x),
            false => model.forward(-x),
        }
    });
    assert_eq!(
        tensor,
        "BaseFloat(Slice) of input 0, shape [1, 1], type F32"
    );
    let tensor = read(|model: &Linear, x: Tensor<2>| {
        let first: f32 =
            (model.weight.val().slice([0..1, 0..1]) * x.clone().slice([0..1, 0..1])).into_scalar();
        model.forward(x) * first
    });
    assert_eq!(
        tensor,
        "NumericFloat(Mul) of BaseFloat(Slice) and BaseFloat(Slice), shape [1, 1], type F32"
    );
    // Random numbers are not constant.
    let tensor = read(|model: &Linear, x: Tensor<2>| {
        let noise = model
            .weight
            .val()
            .random_like(burn::tensor::Distribution::Default);
        let first: f32 = noise.max().into_scalar();
        model.forward(x) * first
    });
    assert!(tensor.contains("shape [1], type F32"), "{tensor}");
    let tensor = read(|model: &Linear, x: Tensor<2>| {
        let values = x.clone().into_data();
        model.forward(x) * values.shape()[0] as f32
    });
    assert_eq!(tensor, "input 0, shape [2, 8], type F32");
    let tensor = read(|model: &Linear, x: Tensor<2>| {
        let y = model.forward(x);
        let rows = y
            .clone()
            .sum_dim(1)
            .greater_elem(0.0)
            .squeeze_dim::<1>(1)
            .nonzero();
        y.select(0, rows[0].clone())
    });
    assert!(tensor.contains("shape [2], type Bool"), "{tensor}");
    let tensor = read(|_: &Linear, x: Tensor<2>| {
        let elsewhere = burn::tensor::Device::flex();
        (x * 2.0).to_device(&elsewhere)
    });
    // Here Burn does not say which tensor.
    assert_eq!(tensor, "a tensor, after NumericFloat(MulScalar)");
}

#[test]
fn quantized_weights() {
    let model: Linear = LinearConfig::new(32, 32).init(&device());
    let scheme = QuantScheme::default();
    let model = model.quantize_weights(&mut Quantizer::new(Calibration::MinMax, scheme));
    let forward = |model: &Linear, x: Tensor<2>| model.forward(x);
    let error = compile(&model, floats([2, 32], 1), forward).unwrap_err();
    assert!(
        matches!(&error, CompileError::Quantized { path, .. } if path == "weight"),
        "{error}"
    );
}

#[test]
fn panics_and_values_from_outside_of_the_forward_pass() {
    let forward = |_: &Linear, _: Tensor<2>| -> Tensor<2> { panic!("not today") };
    let error = compile(&layer(), floats([2, 8], 1), forward).unwrap_err();
    assert!(error.to_string().contains("not today"), "{error}");
    let outside = floats([2, 4], 1);
    let forward = move |model: &Linear, x: Tensor<2>| model.forward(x) + outside.clone();
    let error = compile(&layer(), floats([2, 8], 1), forward).unwrap_err();
    assert!(matches!(error, CompileError::Capture { .. }), "{error}");
    let outside = floats([2, 4], 1);
    let forward = move |_: &Linear, _: Tensor<2>| outside.clone();
    let error = compile(&layer(), floats([2, 8], 1), forward).unwrap_err();
    assert!(matches!(error, CompileError::Capture { .. }), "{error}");
    // The next capture is not disturbed.
    compile(
        &layer(),
        floats([2, 8], 1),
        |model: &Linear, x: Tensor<2>| model.forward(x),
    )
    .unwrap();
}

#[test]
fn an_index_that_is_not_in_the_table_and_a_shape_that_does_not_fit() {
    let model: Embedding = EmbeddingConfig::new(10, 4).init(&device());
    let forward = |model: &Embedding, x: Tensor<2, Int>| model.forward(x);
    let fast = compile(&model, integers([2, 3], 10, 1), forward).unwrap();
    let error = fast
        .run(Tensor::from_ints([[1, 10]], &device()))
        .unwrap_err();
    assert!(matches!(error, CompileError::Operation { .. }), "{error}");
    assert!(fast.run(Tensor::from_ints([[1, 9]], &device())).is_ok());

    let forward = |model: &Linear, x: Tensor<2>| model.forward(x);
    let fast = compile(&layer(), floats([2, 8], 1), forward).unwrap();
    assert!(fast.run(floats([2, 7], 1)).is_err());
    assert!(fast.run(floats([2, 8], 1)).is_ok());
}

#[test]
fn random_numbers_are_not_compared_and_are_drawn_anew_in_each_run() {
    let forward = |model: &Linear, x: Tensor<2>| {
        let noise = x.random_like(burn::tensor::Distribution::Default);
        model.forward(x + noise)
    };
    let error = compile(&layer(), floats([2, 8], 1), forward).unwrap_err();
    assert!(
        matches!(&error, CompileError::Random { operation } if operation == "Float(Random)"),
        "{error}"
    );
    let unchecked = CompileConfig::new().with_check(false);
    let fast = unchecked
        .compile(&layer(), floats([2, 8], 1), forward)
        .unwrap();
    let run = || fast.run(floats([2, 8], 1)).unwrap();
    assert!(common::distance(run(), run()) > 0.0);
}

#[test]
fn a_forward_pass_that_compiles_another_model() {
    let inner = layer();
    let forward = move |model: &Linear, x: Tensor<2>| {
        let pass = |model: &Linear, x: Tensor<2>| model.forward(x);
        let error = compile(&inner, floats([2, 8], 1), pass).unwrap_err();
        panic!("{error} {}", model.weight.val().dims()[0] + x.dims()[0])
    };
    let forward = move |model: &Linear, x: Tensor<2>| -> Tensor<2> { forward(model, x) };
    let error = compile(&layer(), floats([2, 8], 1), forward).unwrap_err();
    assert!(
        error.to_string().contains("compiles another model"),
        "{error}"
    );
}

#[test]
fn an_example_that_the_model_refuses_and_made_up_values_that_it_does() {
    let model: Embedding = EmbeddingConfig::new(10, 4).init(&device());
    let forward = |model: &Embedding, x: Tensor<2, Int>| model.forward(x);
    let error = compile(&model, Tensor::from_ints([[1, 10]], &device()), forward).unwrap_err();
    assert!(matches!(error, CompileError::Operation { .. }), "{error}");
    // Floats that are made up, between -1 and 1, are no index after this; the example is.
    let forward = |model: &Embedding, x: Tensor<2>| model.forward((x - 1.0).int() * 4);
    let fast = compile(&model, floats([2, 3], 1).abs() + 2.0, forward).unwrap();
    assert!(fast.run(floats([2, 3], 2).abs() + 2.0).is_ok());
}

#[test]
fn rounded_weights_where_no_product_is_sparse() {
    let forward = |model: &Linear, x: Tensor<2>| model.forward(x);
    let config = CompileConfig::new()
        .with_products(burn_seven_compile::Products::Dense)
        .with_precision(burn_seven_compile::Precision::Bfloat16);
    let error = config
        .compile(&layer(), floats([2, 8], 1), forward)
        .unwrap_err();
    assert!(
        matches!(
            error,
            CompileError::Config {
                parameter: "precision",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn no_shape_to_keep() {
    let forward = |model: &Linear, x: Tensor<2>| model.forward(x);
    let config = CompileConfig::new().with_shapes(0);
    let error = config
        .compile(&layer(), floats([2, 8], 1), forward)
        .unwrap_err();
    assert_eq!(error.to_string(), "shapes is 0, but should be at least 1");
}
