//! A product with a constant weight, and what follows it.

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::flex::Layout;
use burn::tensor::Shape;
use burn_backend::ops::FloatTensorOps;
use burn_seven_cpu::fused;
use burn_seven_cpu::sparse::{Packed, multiply};
use burn_seven_kernels::Activation;

use super::{Compact, Kernel};
use crate::pool::Pool;
use crate::value::Value;

/// A weight, shape `[inputs, outputs]`.
#[derive(Debug, Clone)]
pub(crate) enum Weight {
    /// Of one layer or several with the same input, whose outputs stand beside each other; before
    /// one of the forms below is chosen.
    Given(Vec<Value>),
    Dense(Value),
    /// Dense, without rows and columns of zeros.
    Compact(Arc<Compact>),
    Sparse(Arc<Packed>),
}

/// `activation(input weight + bias)`, over the rows of an input of any rank.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    pub weight: Weight,
    /// How many inputs and outputs the weight has.
    pub shape: [usize; 2],
    pub bias: Option<Arc<[f32]>>,
    pub activation: Activation,
    /// How many outputs go into each tensor: of several layers with one input.
    pub parts: Vec<usize>,
    /// Whether the weights are no parameters, but computed of them for each shape of the inputs.
    pub derived: bool,
    /// The weights' paths in the module, or what they are made of.
    pub paths: Vec<String>,
}

impl Linear {
    fn dense(&self, input: Value, rows: usize, weight: &Value) -> Value {
        let flat = input.0.reshape(Shape::new([rows, self.shape[0]]));
        let output = Value(Flex::float_matmul(flat, weight.0.clone())).contiguous();
        if self.bias.is_none() && self.activation == Activation::None {
            return output;
        }
        let mut values = output.into_floats();
        self.finish(&mut values);
        Value::from_floats(values, Shape::new([rows, self.shape[1]]))
    }

    fn compact(&self, input: &Value, rows: usize, weight: &Compact, pool: &Pool) -> Value {
        let mut output = weight.multiply(input, rows, pool);
        self.finish(&mut output);
        Value::from_floats(output, Shape::new([rows, self.shape[1]]))
    }

    /// The bias and the activation of a product.
    fn finish(&self, values: &mut [f32]) {
        if let Some(bias) = &self.bias {
            add_bias(values, bias);
        }
        fused::activate(self.activation, values);
    }

    fn sparse(&self, input: &Value, rows: usize, weight: &Packed, pool: &Pool) -> Value {
        let mut output = pool.room(rows * self.shape[1]);
        let bias = self.bias.as_deref();
        multiply(
            weight,
            input.floats(),
            rows,
            bias,
            self.activation,
            &mut output,
        );
        Value::from_floats(output, Shape::new([rows, self.shape[1]]))
    }
}

/// Adds the bias to each row.
fn add_bias(values: &mut [f32], bias: &[f32]) {
    for row in values.chunks_exact_mut(bias.len().max(1)) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value += bias;
        }
    }
}

impl Kernel for Linear {
    fn name(&self) -> String {
        let kind = match self.weight {
            Weight::Given(_) | Weight::Dense(_) => "dense product",
            Weight::Compact(_) => "compact product",
            Weight::Sparse(_) => "sparse product",
        };
        let mut name = kind.to_string();
        if self.parts.len() > 1 {
            name += &format!(" of {} layers", self.parts.len());
        }
        if self.bias.is_some() {
            name += " + bias";
        }
        match self.activation {
            Activation::None => {}
            other => name += &format!(" + {other:?}"),
        }
        name
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let Some(input) = inputs.into_iter().next() else {
            return Vec::new();
        };
        let rows = input.shape().num_elements() / self.shape[0].max(1);
        let input = input.contiguous();
        let output = match &self.weight {
            Weight::Given(_) => return Vec::new(), // a choice is made before anything runs
            Weight::Dense(weight) => self.dense(input, rows, weight),
            Weight::Compact(weight) => self.compact(&input, rows, weight, pool),
            Weight::Sparse(weight) => {
                let output = self.sparse(&input, rows, weight, pool);
                pool.take_back(input);
                output
            }
        };
        if let [shape] = shapes {
            return vec![output.reshaped(shape)];
        }
        let mut first = 0;
        let parts = self.parts.iter().zip(shapes).map(|(part, shape)| {
            let mut strides = Layout::contiguous(shape.clone()).strides().to_vec();
            let last = strides.len() - 1; // linear layers give an axis at least
            for stride in &mut strides[..last] {
                *stride = *stride / *part as isize * self.shape[1] as isize;
            }
            let layout = Layout::new(shape.clone(), strides, first);
            first += part;
            output.clone().with_layout(layout)
        });
        parts.collect()
    }
}
