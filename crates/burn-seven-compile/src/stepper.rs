//! A captured forward pass run on flex as it was recorded, operation by operation.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::backend::flex::FlexTensor;
use burn_ir::{OperationIr, TensorId, TensorIr};

use crate::CompileError;
use crate::capture::Captured;
use crate::interpreter::{Interpreter, name, prepare};
use crate::tensors::Tensors;
use crate::value::Value;

/// Holds what is still needed of a forward pass that has run as far as some operation.
pub struct Stepper {
    captured: Captured,
    values: HashMap<TensorId, Value>,
    /// The last operation that reads a tensor.
    last: HashMap<TensorId, usize>,
    place: usize,
}

impl Stepper {
    /// Before the first operation, with inputs on flex.
    ///
    /// # Errors
    ///
    /// As [`compile`](crate::compile), where an input is not on flex.
    pub fn new<I: Tensors>(captured: Captured, inputs: I) -> Result<Self, CompileError> {
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
        Ok(Self {
            captured,
            values,
            last,
            place: 0,
        })
    }

    /// The forward pass.
    pub fn captured(&self) -> &Captured {
        &self.captured
    }

    /// The operation that is next; none at the end.
    pub fn next(&self) -> Option<usize> {
        (self.place < self.captured.operations.len()).then_some(self.place)
    }

    /// A tensor that was computed and is read by a later operation.
    pub fn value(&self, id: TensorId) -> Option<&Value> {
        self.values.get(&id)
    }

    /// Another value for a tensor, for what reads it from here on.
    pub fn set(&mut self, id: TensorId, value: Value) {
        self.values.insert(id, value);
    }

    /// Runs the next operation, and gives the tensors that it made.
    ///
    /// # Errors
    ///
    /// [`CompileError::Operation`] where Burn's operation panics.
    pub fn step(&mut self) -> Result<Vec<(TensorId, Value)>, CompileError> {
        let place = self.place;
        let Some(operation) = self.captured.operations.get(place) else {
            return Ok(Vec::new());
        };
        self.place += 1;
        let skipped = matches!(operation, OperationIr::Init(_) | OperationIr::Drop(_));
        // What is given is recorded as made, without values.
        let is_given = |ir: &TensorIr| self.values.contains_key(&ir.id);
        if skipped || operation.outputs().any(is_given) {
            return Ok(Vec::new());
        }
        let made = self.run(place)?;
        let inputs = self.captured.operations[place].inputs();
        for id in inputs.map(|ir| ir.id) {
            if self.last.get(&id) == Some(&place) && !self.captured.parameters.contains_key(&id) {
                self.values.remove(&id);
            }
        }
        Ok(made)
    }

    /// Runs an operation that has run already, with the values that there are now. Its inputs should
    /// be parameters, or made by this.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn again(&mut self, place: usize) -> Result<(), CompileError> {
        self.run(place).map(|_| ())
    }

    fn run(&mut self, place: usize) -> Result<Vec<(TensorId, Value)>, CompileError> {
        let operation = &self.captured.operations[place];
        let failed = |message: &str| CompileError::Operation {
            operation: name(operation),
            message: message.to_string(),
        };
        let mut operation = operation.clone();
        prepare(&mut operation);
        let inputs = operation
            .inputs()
            .map(|ir| self.values.get(&ir.id).cloned());
        let inputs: Option<Vec<Value>> = inputs.collect();
        let inputs = inputs.ok_or_else(|| failed("an input of it is not known"))?;
        // The interpreter is not used again after a panic.
        let mut interpreter = Interpreter::default();
        let outputs = catch_unwind(AssertUnwindSafe(|| interpreter.run(&operation, inputs)));
        let outputs = outputs.map_err(|_| failed("it panicked"))?;
        let made: Vec<_> = operation.outputs().map(|ir| ir.id).zip(outputs).collect();
        self.values.extend(made.iter().cloned());
        Ok(made)
    }
}
