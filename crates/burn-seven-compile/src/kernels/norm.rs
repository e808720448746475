//! Layer norm, of a tensor or of the sum of two.

use std::sync::Arc;

use burn::tensor::Shape;
use burn_seven_cpu::fused;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the last axis.
///
/// With two inputs x is their sum, which is a second output where it is read elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub gamma: Arc<[f32]>,
    pub beta: Option<Arc<[f32]>>,
    pub epsilon: f32,
}

impl Norm {
    fn norm(&self) -> fused::Norm<'_> {
        fused::Norm {
            gamma: &self.gamma,
            beta: self.beta.as_deref(),
            epsilon: self.epsilon,
        }
    }
}

impl Kernel for Norm {
    fn name(&self) -> String {
        "layer norm".to_string()
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let values: Vec<Value> = inputs.into_iter().map(Value::contiguous).collect();
        let Some(shape) = shapes.first() else {
            return Vec::new();
        };
        let mut output = pool.take(shape.num_elements());
        let mut outputs = Vec::with_capacity(shapes.len());
        match &values[..] {
            [x] => fused::layer_norm(x.floats(), self.norm(), &mut output),
            [a, b] if shapes.len() > 1 => {
                let mut sum = pool.take(shape.num_elements());
                let (a, b) = (a.floats(), b.floats());
                fused::add_layer_norm(a, b, self.norm(), Some(&mut sum), &mut output);
                outputs.push(Value::from_floats(sum, shapes[1].clone()));
            }
            [a, b] => {
                fused::add_layer_norm(a.floats(), b.floats(), self.norm(), None, &mut output);
            }
            _ => {}
        }
        values.into_iter().for_each(|value| pool.take_back(value));
        outputs.insert(0, Value::from_floats(output, shape.clone()));
        outputs
    }
}
