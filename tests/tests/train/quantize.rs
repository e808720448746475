//! Quantization by Burn after pruning.

use burn::module::{Module, ParamGroup, Quantizer};
use burn::tensor::quantization::{Calibration, QuantScheme, QuantStore, QuantValue, ScaleDtype};
use burn::tensor::{DType, Device};
use burn_seven::{MaskMode, sparse};
use burn_seven_tests::model::Batch;
use burn_train::TrainStep;

use crate::student::Student;
use crate::{adamw, config, folder, seven, wrapped_on};

fn pruned(device: &Device) -> Student {
    let training = Device::flex().autodiff();
    let mut optim = adamw();
    let mut model = wrapped_on(&training, seven(), MaskMode::InGraph, 3);
    for item in 0..20 {
        let output = TrainStep::step(&model, Batch::new(item, &training));
        model = model.optimize(&mut optim, 0.02.into(), output.grads);
    }
    model.finish().unwrap().valid().to_device(device)
}

fn weights(model: &Student) -> Vec<f32> {
    let net = &model.net;
    let weights = [&net.first.weight, &net.second.weight, &net.head.weight];
    let values = weights.map(|weight| {
        let value = weight.val();
        let value = match value.dtype() {
            DType::QFloat(_) => value.dequantize(),
            _ => value,
        };
        value.try_into_vec_as::<f32>().unwrap()
    });
    values.concat()
}

const WEIGHTS: [&str; 3] = ["net.first.weight", "net.second.weight", "net.head.weight"];

fn quantized(model: Student, scheme: QuantScheme) -> Student {
    // Blocks of 4 do not fit the head's rows of 3.
    let count = if scheme.block_scale().is_some() { 2 } else { 3 };
    let group = ParamGroup::from_paths(WEIGHTS[..count].to_vec());
    let mut quantizer = Quantizer::new(Calibration::MinMax, scheme);
    model.quantize_weights_group(&mut quantizer, group)
}

/// Burn's symmetric schemes of 8-bit integers that need nothing but a CPU.
fn schemes() -> Vec<QuantScheme> {
    let native = QuantScheme::default().with_store(QuantStore::Native);
    let values = [QuantValue::Q8F, QuantValue::Q8S].into_iter();
    let schemes = values.flat_map(|value| {
        let scheme = native.with_value(value);
        let (tensor, block) = (scheme, scheme.per_block([4], ScaleDtype::F32));
        [tensor.per_tensor(ScaleDtype::F32), block]
    });
    schemes.collect()
}

#[test]
fn zeros_stay_exactly_zero_and_the_rest_near_what_it_was() {
    // Not every backend of Burn quantizes.
    for device in [Device::flex(), burn_seven_ndarray::device()] {
        for scheme in schemes() {
            let model = pruned(&device);
            let before = weights(&model);
            let after = weights(&quantized(model, scheme));
            assert_ne!(before, after, "{scheme:?}");
            let zeros = before.iter().filter(|weight| **weight == 0.0).count();
            assert_eq!(zeros, 109);
            for (before, after) in before.iter().zip(&after) {
                if *before == 0.0 {
                    assert_eq!(*after, 0.0, "{scheme:?}");
                }
                assert!((before - after).abs() < 0.01, "{before} {after} {scheme:?}");
            }
        }
    }
}

#[test]
fn a_quantized_model_is_neither_pruned_nor_saved_sparse_but_told_what_to_do() {
    let model = quantized(pruned(&Device::flex()), schemes()[0]);
    let error = config().init(seven(), &model).unwrap_err().to_string();
    assert!(error.contains("net.first.weight is quantized"), "{error}");
    let folder = folder();
    let error = sparse::save(&model, &folder).unwrap_err().to_string();
    assert!(error.contains("net.first.weight"), "{error}");
    assert!(error.contains("before it is quantized"), "{error}");
}
