//! Softmax over the last axis.

use burn::tensor::Shape;
use burn_seven_cpu::fused;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// Softmax over the last axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Softmax;

impl Kernel for Softmax {
    fn name(&self) -> String {
        "softmax".to_string()
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let done = inputs.into_iter().zip(shapes).map(|(value, shape)| {
            let value = value.contiguous();
            let width = shape.iter().last().copied().unwrap_or(1);
            let mut output = pool.take(shape.num_elements());
            if width > 0 {
                fused::softmax(value.floats(), width, &mut output);
            }
            pool.take_back(value);
            Value::from_floats(output, shape.clone())
        });
        done.collect()
    }
}
