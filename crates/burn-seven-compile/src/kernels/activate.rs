//! Activation functions by themselves.

use burn::tensor::Shape;
use burn_seven_cpu::fused;
use burn_seven_kernels::Activation;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// A function of each value.
#[derive(Debug, Clone)]
pub(crate) struct Activate(pub Activation);

impl Kernel for Activate {
    fn name(&self) -> String {
        format!("{:?}", self.0)
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let done = inputs.into_iter().zip(shapes).map(|(value, shape)| {
            let mut value = value.contiguous();
            if let Some(values) = value.floats_mut() {
                fused::activate(self.0, values);
                return value;
            }
            let mut output = pool.take(shape.num_elements());
            fused::activate_into(self.0, value.floats(), &mut output);
            Value::from_floats(output, shape.clone())
        });
        done.collect()
    }
}
