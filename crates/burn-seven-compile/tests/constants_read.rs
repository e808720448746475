//! A forward pass may read values that depend on constants alone, as code made from ONNX files does.
#![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)] // as such code is written

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::{Module, Param, ParamId};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Bool, DType, Device, Int, IntDType, Tensor, TensorData};
use burn_seven_compile::{CompileConfig, CompileError, compile};

use common::{check, device, distance, floats, has, prune};

/// A module as they are made from ONNX files: constants are parameters.
#[derive(Module, Debug)]
struct Imported {
    constant1: Param<Tensor<1, Int>>,
    constant2: Param<Tensor<1>>,
    constant3: Param<Tensor<1, Bool>>,
    linear1: Linear,
    #[module(skip)]
    device: Device,
}

impl Imported {
    fn new() -> Self {
        let device = device();
        let shape = TensorData::from([-1i64, 2, 4, 9]);
        let shape = Tensor::from_data(shape, (&device, DType::I64));
        let bounds = Tensor::from_floats([-0.1, 0.2], &device);
        let kept = Tensor::from_data([true, false, true], &device);
        let linear: Linear = LinearConfig::new(8, 8).init(&device);
        Self {
            constant1: Param::initialized(ParamId::new(), shape),
            constant2: Param::initialized(ParamId::new(), bounds),
            constant3: Param::initialized(ParamId::new(), kept),
            linear1: prune(linear, 0.6),
            device,
        }
    }
}

#[test]
fn a_shape_that_is_a_parameter() {
    let forward = |model: &Imported, input: Tensor<2>| {
        let constant1_out1 = model.constant1.val().slice([0..3]);
        let linear1_out1 = model.linear1.forward(input);
        let shape_data = constant1_out1.to_data();
        let shape_array = shape_data.as_slice::<i64>().unwrap();
        linear1_out1.reshape([3, shape_array[1] as usize, shape_array[2] as usize])
    };
    let fast = check(&Imported::new(), floats([3, 8], 1), forward);
    assert!(has(&fast, "sparse product + bias"));
    // As it is, no operation between.
    check(
        &Imported::new(),
        floats([3, 8], 1),
        |model: &Imported, input: Tensor<2>| {
            let shape_data = model.constant1.val().to_data();
            let shape_array = shape_data.as_slice::<i64>().unwrap();
            let rows = input.dims()[0] as i64;
            let output = model.linear1.forward(input);
            output.reshape([rows, shape_array[1], shape_array[2]])
        },
    );
}

#[test]
fn values_that_are_computed_of_constants_one_after_the_other() {
    let forward = |model: &Imported, input: Tensor<2>| {
        // A shape that is put together, as by Cast, Gather and Concat.
        let two = model.constant1.val().cast(IntDType::I32).slice([1..2]);
        let four = (two.clone() * 2).cast(IntDType::I64);
        let shape = Tensor::cat(vec![two.cast(IntDType::I64), four], 0).into_data();
        let shape = shape.as_slice::<i64>().unwrap();
        let x = model.linear1.forward(input);
        // Clip with bounds that are tensors.
        let min: f32 = model.constant2.val().min().into_scalar();
        let max: f32 = (model.constant2.val() * min * -10.0).max().into_scalar();
        let x = x.clamp(min, max);
        // What is kept of rows, which needs values to know how many.
        let kept = model.constant3.val().nonzero();
        let x = x.select(0, kept[0].clone());
        x.reshape([2, shape[0] as usize, shape[1] as usize]) * shape[1] as f32
    };
    let model = Imported::new();
    let fast = check(&model, floats([3, 8], 1), forward);
    // A further shape is captured in the same way.
    let x = floats([5, 8], 2);
    let found = fast.run(x.clone()).unwrap();
    assert!(distance(found, forward(&model, x)) < 1e-5);
}

#[test]
fn a_weight_that_is_read_stays_the_weight_of_its_product() {
    let model = Imported::new().linear1;
    let forward = |model: &Linear, x: Tensor<2>| {
        let largest: f32 = model.weight.val().abs().max().into_scalar();
        let values: Vec<f32> = model.weight.val().into_data().try_into_vec().unwrap();
        model.forward(x) / largest * values[3].abs().max(0.5)
    };
    let fast = check(&model, floats([3, 8], 1), forward);
    let report = fast.report().unwrap();
    assert_eq!(report.products[0].paths, ["weight"]);
}

#[test]
fn a_weight_that_is_read_and_given_out() {
    let model = Imported::new().linear1;
    check(&model, floats([3, 8], 1), |model: &Linear, x: Tensor<2>| {
        let twice = model.weight.val() * 2.0;
        let first: f32 = twice.to_data().iter::<f32>().next().unwrap();
        (model.forward(x) * first, twice)
    });
}

#[test]
fn values_of_an_input_after_values_of_constants() {
    let forward = |model: &Imported, input: Tensor<2>| {
        let bound: f32 = model.constant2.val().max().into_scalar();
        let largest: f32 = input.clone().max().into_scalar();
        model.linear1.forward(input) * bound.max(largest)
    };
    let error = compile(&Imported::new(), floats([3, 8], 1), forward).unwrap_err();
    assert!(
        matches!(&error, CompileError::ReadBack { tensor, .. } if tensor.contains("of input 0")),
        "{error}"
    );
}

#[test]
fn a_forward_pass_that_does_something_else_each_time() {
    for before in [false, true] {
        let calls = Arc::new(AtomicUsize::new(0));
        let forward = move |model: &Imported, input: Tensor<2>| {
            // More operations each time, behind the tensor that was read or before it.
            let mut bounds = model.constant2.val();
            for _ in 0..calls.fetch_add(1, Ordering::Relaxed) {
                match before {
                    true => drop(input.clone() + 1.0),
                    false => bounds = bounds + 1.0,
                }
            }
            let bound: f32 = (bounds * 2.0).into_data().iter::<f32>().next().unwrap();
            model.linear1.forward(input) * bound
        };
        let unchecked = CompileConfig::new().with_check(false);
        let error = unchecked.compile(&Imported::new(), floats([3, 8], 1), forward);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("each time"), "{error}");
    }
}

#[test]
fn threads_that_read_constants_at_once() {
    let model = Imported::new();
    let forward = |model: &Imported, input: Tensor<2>| {
        let bound = (model.constant2.val() * 2.0).max();
        model.linear1.forward(input) * bound.into_scalar::<f32>()
    };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let model = &model;
            scope.spawn(move || {
                let x = floats([2 + thread, 8], 1);
                let fast = compile(model, x.clone(), forward).unwrap();
                assert!(distance(fast.run(x.clone()).unwrap(), forward(model, x)) < 1e-5);
            });
        }
    });
}

#[test]
fn a_device_that_the_module_keeps_for_itself() {
    // Code made from ONNX files makes tensors on a device of its own: they are not captured.
    let forward = |model: &Imported, input: Tensor<2>| {
        let one = Tensor::<1>::from_data([1.0], &model.device);
        model.linear1.forward(input) + one.reshape([1, 1])
    };
    let error = compile(&Imported::new(), floats([3, 8], 1), forward).unwrap_err();
    assert!(matches!(error, CompileError::Capture { .. }), "{error}");
}
