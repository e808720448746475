//! Sums and products of two tensors of one shape, and what follows them.

use burn::tensor::Shape;
use burn_seven_cpu::fused;
use burn_seven_kernels::Activation;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// `activation(a + b)`, or `activation(a b)` value by value: residuals and gates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elementwise {
    pub kind: ElementwiseKind,
    pub activation: Activation,
}

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ElementwiseKind {
    Sum,
    Product,
}

impl Kernel for Elementwise {
    fn name(&self) -> String {
        let name = match self.kind {
            ElementwiseKind::Sum => "add",
            ElementwiseKind::Product => "multiply",
        };
        match self.activation {
            Activation::None => name.to_string(),
            other => format!("{name} + {other:?}"),
        }
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let values: Vec<Value> = inputs.into_iter().map(Value::contiguous).collect();
        let ([a, b], [shape]) = (&values[..], shapes) else {
            return Vec::new();
        };
        let mut output = pool.take(shape.num_elements());
        let run = match self.kind {
            ElementwiseKind::Sum => fused::add,
            ElementwiseKind::Product => fused::mul,
        };
        run(a.floats(), b.floats(), self.activation, &mut output);
        values.into_iter().for_each(|value| pool.take_back(value));
        vec![Value::from_floats(output, shape.clone())]
    }
}
