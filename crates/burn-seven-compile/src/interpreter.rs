//! One operation of Burn's graph, run by Burn's interpreter.

use burn::backend::Flex;
use burn_backend::ops::IntTensorOps;
use burn_ir::{BaseOperationIr, IrVisitorMut, OperationIr, TensorIr, TensorStatus};
use burn_router::TensorInterpreter;

use crate::value::Value;

/// Runs operations; holds no tensors from one to the next.
#[derive(Debug)]
pub struct Interpreter(TensorInterpreter<Flex>);

impl Default for Interpreter {
    /// One without tensors.
    fn default() -> Self {
        Self(TensorInterpreter::new(Default::default()))
    }
}

impl Interpreter {
    /// The operation's outputs. The operation should be [prepared](prepare), and there should be
    /// one value for each input, in order, those that are there twice included.
    ///
    /// # Panics
    ///
    /// Where Burn's operation does.
    pub fn run(&mut self, operation: &OperationIr, inputs: Vec<Value>) -> Vec<Value> {
        // Burn's interpreter has no casts between integers.
        if let OperationIr::BaseInt(BaseOperationIr::Cast(cast)) = operation {
            let dtype = cast.out.dtype;
            let values = inputs.into_iter();
            return values
                .map(|value| Value(Flex::int_cast(value.0, dtype.into())))
                .collect();
        }
        for (ir, value) in operation.inputs().zip(inputs) {
            self.0.register_tensor_to_device(ir.id, value.into_handle());
        }
        self.0.register_op(operation.clone());
        let mut dropped = Vec::new();
        for ir in operation.inputs() {
            if ir.status == TensorStatus::ReadOnly && !dropped.contains(&ir.id) {
                dropped.push(ir.id);
                self.0.register_op(OperationIr::Drop(TensorIr {
                    status: TensorStatus::ReadWrite,
                    ..ir.clone()
                }));
            }
        }
        let outputs = operation.outputs().map(|ir| TensorIr {
            status: TensorStatus::ReadWrite,
            ..ir.clone()
        });
        let outputs: Vec<_> = outputs.collect();
        let values = outputs.iter().map(|ir| self.0.get_tensor(ir));
        values.filter_map(Value::from_handle).collect()
    }
}

/// Lets an operation take its inputs: they are given to it anew each time it is run. One that is
/// there twice is only read.
pub fn prepare(operation: &mut OperationIr) {
    let ids: Vec<_> = operation.inputs().map(|ir| ir.id).collect();
    visit(operation, |ir| {
        if ir.status == TensorStatus::NotInit {
            return;
        }
        let uses = ids.iter().filter(|id| **id == ir.id).count();
        ir.status = match uses {
            0 | 1 => TensorStatus::ReadWrite,
            _ => TensorStatus::ReadOnly,
        };
    });
}

/// Hands each tensor of an operation to `change`.
pub(crate) fn visit(operation: &mut OperationIr, change: impl FnMut(&mut TensorIr)) {
    struct Each<F>(F);
    impl<F: FnMut(&mut TensorIr)> IrVisitorMut for Each<F> {
        fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
            (self.0)(tensor);
        }
    }
    operation.visit_mut(&mut Each(change));
}

/// The operation's name, such as `Float(Matmul)`.
pub fn name(operation: &OperationIr) -> String {
    let text = format!("{operation:?}");
    let head: String = text.chars().take_while(|&c| c != '{').collect();
    // `Activation(Gelu(UnaryOpIr {` and `NumericFloat(F32, Add(BinaryOpIr {`.
    let mut parts: Vec<&str> = head.trim_end().split('(').collect();
    if parts.len() > 2 {
        parts.pop();
    }
    let kind = parts.first().copied().unwrap_or_default();
    let what = parts.last().copied().unwrap_or_default();
    let what = what.rsplit(", ").next().unwrap_or(what);
    format!("{kind}({what})")
}
