//! A compiled model beside the model itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::Module;
use burn::tensor::DType;

use crate::CompileError;
use crate::compiled::Compiled;
use crate::config::Precision;
use crate::error::message;
use crate::tensors::Tensors;
use crate::value::Value;

/// How far values may be off, as a share of the largest one.
pub(crate) fn tolerance(precision: Precision) -> f64 {
    match precision {
        Precision::Float32 => 1e-4,
        // Errors of weights add up from layer to layer.
        Precision::Bfloat16 => 0.1,
    }
}

/// Compares outputs for the example, and for other values in it.
///
/// # Errors
///
/// Where they differ, or where an operation fails.
pub(crate) fn against<M: Module, I: Tensors, O: Tensors>(
    model: &M,
    forward: impl Fn(&M, I) -> O,
    example: &I,
    compiled: &Compiled<I, O>,
    tolerance: f64,
) -> Result<(), CompileError> {
    let model = model.valid();
    let mut values = Vec::new();
    example.clone().take(&mut values)?;
    let others: Vec<Value> = values.iter().enumerate().map(other).collect();
    let both = [
        ("the example's values", values, false),
        ("other values", others, true),
    ];
    for (inputs, values, made_up) in both {
        let Some(given) = example.rebuild(&mut values.into_iter()) else {
            return Ok(());
        };
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        let run = || forward(&model, given.clone());
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(outputs) => outputs.take(&mut expected)?,
            // The model itself may not take values that were made up.
            Err(panic) if made_up => {
                let message = message(panic);
                log::warn!("not compared for other values, which the model refuses: {message}");
                return Ok(());
            }
            Err(panic) => {
                let operation = "forward pass for the example".to_string();
                let message = message(panic);
                return Err(CompileError::Operation { operation, message });
            }
        }
        compiled.run(given)?.take(&mut found)?;
        for (output, (expected, found)) in expected.into_iter().zip(found).enumerate() {
            compare((output, inputs), expected, found, tolerance)?;
        }
    }
    Ok(())
}

fn compare(
    (output, inputs): (usize, &'static str),
    expected: Value,
    found: Value,
    tolerance: f64,
) -> Result<(), CompileError> {
    let mismatch = |expected: String, found: String| CompileError::Mismatch {
        output,
        inputs,
        expected,
        found,
    };
    let kind = |value: &Value| format!("{:?} {:?}", value.dtype(), value.shape().to_vec());
    if kind(&expected) != kind(&found) {
        return Err(mismatch(kind(&expected), kind(&found)));
    }
    if !expected.dtype().is_float() {
        // Integers and booleans may follow from floats that are equal but for rounding.
        return Ok(());
    }
    let numbers = |value: Value| value.0.into_data().convert::<f64>();
    let (expected, found) = (numbers(expected), numbers(found));
    let (Ok(expected), Ok(found)) = (expected.try_into_vec::<f64>(), found.try_into_vec::<f64>())
    else {
        return Ok(());
    };
    let finite = expected.iter().filter(|value| value.is_finite());
    let largest = finite.fold(0.0f64, |largest, value| largest.max(value.abs()));
    let pairs = expected.iter().zip(&found);
    // NaN and infinite values should be so in both.
    let differs = |a: f64, b: f64| {
        a != b && (a - b).abs() > tolerance * largest.max(1e-3)
            || a.is_nan() != b.is_nan()
            || a.is_infinite() != b.is_infinite()
    };
    match pairs.into_iter().find(|(a, b)| differs(**a, **b)) {
        Some((expected, found)) => Err(mismatch(expected.to_string(), found.to_string())),
        None => Ok(()),
    }
}

/// Other values of the same shape and type: floats that look random, and the example's own integers
/// and booleans in the opposite order, so that indices stay in their ranges.
fn other((place, value): (usize, &Value)) -> Value {
    let shape = value.shape().clone();
    if value.dtype() == DType::F32 {
        let count = shape.num_elements();
        let mut state = 0x2545_f491u32.wrapping_add(place as u32);
        let values = (0..count).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        });
        return Value::from_floats(values.collect(), shape);
    }
    let axes: Vec<usize> = (0..shape.num_dims()).collect();
    let flipped = value.layout().flip(&axes);
    let flipped = value.clone().with_layout(flipped);
    Value(flipped.0.to_contiguous())
}
