//! Sums and products of two tensors of one shape.

use burn::tensor::Shape;
use burn_seven_cpu::fused;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// `a + b`, or `a b` value by value: residuals and gates.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Elementwise {
    Sum,
    Product,
}

impl Kernel for Elementwise {
    fn name(&self) -> String {
        match self {
            Self::Sum => "add".to_string(),
            Self::Product => "multiply".to_string(),
        }
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let values: Vec<Value> = inputs.into_iter().map(Value::contiguous).collect();
        let ([a, b], [shape]) = (&values[..], shapes) else {
            return Vec::new();
        };
        let mut output = pool.take(shape.num_elements());
        match self {
            Self::Sum => fused::add(a.floats(), b.floats(), &mut output),
            Self::Product => fused::mul(a.floats(), b.floats(), &mut output),
        }
        values.into_iter().for_each(|value| pool.take_back(value));
        vec![Value::from_floats(output, shape.clone())]
    }
}
