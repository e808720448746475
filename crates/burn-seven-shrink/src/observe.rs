//! A captured forward pass run on flex, operation by operation, to see what enters its layers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::backend::flex::FlexTensor;
use burn_ir::{OperationIr, TensorId, TensorIr};
use burn_seven_compile::internals::{Captured, Interpreter, Value, name, prepare};
use burn_seven_compile::{CompileError, Tensors};

use crate::ShrinkError;

/// Hands the values of the tensors `wanted` to `see`, for inputs on flex.
pub(crate) fn observe<I: Tensors>(
    captured: &Captured,
    inputs: I,
    wanted: &[TensorId],
    mut see: impl FnMut(TensorId, Value),
) -> Result<(), ShrinkError> {
    let mut given = Vec::new();
    inputs.take(&mut given)?;
    let mut values: HashMap<TensorId, Value> = captured.parameters.clone();
    values.extend(captured.inputs.iter().copied().zip(given));
    for (id, data) in &captured.data {
        values.insert(*id, Value(FlexTensor::from_data(data.clone())));
    }
    let mut last: HashMap<TensorId, usize> = HashMap::new();
    for (place, operation) in captured.operations.iter().enumerate() {
        last.extend(operation.inputs().map(|ir| (ir.id, place)));
    }
    let mut interpreter = Interpreter::default();
    for (place, operation) in captured.operations.iter().enumerate() {
        let known = |ir: &TensorIr| values.contains_key(&ir.id);
        let skipped = matches!(operation, OperationIr::Init(_) | OperationIr::Drop(_));
        if skipped || operation.outputs().any(known) {
            continue;
        }
        let mut operation = operation.clone();
        prepare(&mut operation);
        let inputs: Option<Vec<Value>> = operation
            .inputs()
            .map(|ir| values.get(&ir.id).cloned())
            .collect();
        let inputs = inputs.ok_or_else(|| failed(&operation, "an input of it is not known"))?;
        // The interpreter is not used again after a panic.
        let outputs = catch_unwind(AssertUnwindSafe(|| interpreter.run(&operation, inputs)));
        let outputs = outputs.map_err(|_| failed(&operation, "it panicked"))?;
        for ir in operation
            .inputs()
            .filter(|ir| last.get(&ir.id) == Some(&place))
        {
            values.remove(&ir.id);
        }
        for (ir, value) in operation.outputs().zip(outputs) {
            if wanted.contains(&ir.id) {
                see(ir.id, value.clone());
            }
            values.insert(ir.id, value);
        }
    }
    Ok(())
}

fn failed(operation: &OperationIr, message: &str) -> ShrinkError {
    ShrinkError::Capture(CompileError::Operation {
        operation: name(operation),
        message: message.to_string(),
    })
}
