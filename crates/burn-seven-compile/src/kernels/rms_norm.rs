//! Norm by the root of the mean square.

use std::sync::Arc;

use burn::tensor::Shape;
use burn_seven_cpu::fused;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// `x / sqrt(mean(x^2) + epsilon) * gamma` over the last axis.
#[derive(Debug, Clone)]
pub(crate) struct RmsNorm {
    pub gamma: Arc<[f32]>,
    pub epsilon: f32,
}

impl Kernel for RmsNorm {
    fn name(&self) -> String {
        "rms norm".to_string()
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let done = inputs.into_iter().zip(shapes).map(|(value, shape)| {
            let value = value.contiguous();
            let mut output = pool.take(shape.num_elements());
            fused::rms_norm(value.floats(), &self.gamma, self.epsilon, &mut output);
            pool.take_back(value);
            Value::from_floats(output, shape.clone())
        });
        done.collect()
    }
}
