//! A convolution with a constant weight, and what follows it.

use std::sync::Arc;

use burn::backend::Flex;
use burn::tensor::Shape;
use burn_backend::ops::{ConvOptions, ModuleOps};
use burn_seven_cpu::fused;
use burn_seven_cpu::sparse::{self, Images, PackedConvolution, convolve};
use burn_seven_kernels::Activation;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// A kernel of a convolution.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    /// Shape `[outputs, channels / groups, height, width]`, before one of the forms below is
    /// chosen.
    Given(Value),
    Dense(Value),
    Sparse(Arc<PackedConvolution>),
}

/// `activation(convolution + bias)` of images, shape `[batch, channels, height, width]`, or of
/// rows without the height.
#[derive(Debug, Clone)]
pub(crate) struct Convolution {
    pub filter: Filter,
    pub shape: sparse::Convolution,
    pub bias: Option<Arc<[f32]>>,
    pub activation: Activation,
    /// Whether batch norm is part of the filter and the bias.
    pub normed: bool,
    /// Whether the weight is no parameter, but computed of some for each shape of the inputs.
    pub derived: bool,
    /// The weight's path in the module.
    pub path: String,
}

impl Convolution {
    /// Batch, height and width of an input.
    pub fn sizes(input: &Shape) -> Option<[usize; 3]> {
        match input.to_vec()[..] {
            [batch, _, width] => Some([batch, 1, width]),
            [batch, _, height, width] => Some([batch, height, width]),
            _ => None,
        }
    }

    /// The convolution as Burn does it: without what follows it.
    pub fn dense(&self, input: Value, filter: &Value) -> Value {
        let sizes = Self::sizes(input.shape()).unwrap_or_default();
        let [batch, height, width] = sizes;
        let images = Shape::new([batch, self.shape.channels, height, width]);
        let bias = self.bias.as_ref().map(|bias| {
            let count = bias.len();
            Value::from_floats(bias.to_vec(), Shape::new([count])).0
        });
        let sparse::Convolution {
            stride,
            padding,
            dilation,
            groups,
            ..
        } = self.shape;
        let options = ConvOptions {
            stride,
            padding,
            dilation,
            groups,
        };
        let input = input.contiguous().0.reshape(images);
        let output = <Flex as ModuleOps<Flex>>::conv2d(input, filter.0.clone(), bias, options);
        Value(output).contiguous()
    }

    /// The convolution that skips zeros, with the bias and the activation.
    pub fn sparse(&self, input: &Value, filter: &PackedConvolution, output: &mut Vec<f32>) {
        let [batch, height, width] = Self::sizes(input.shape()).unwrap_or_default();
        let images = Images {
            values: input.floats(),
            batch,
            height,
            width,
        };
        convolve(
            filter,
            images,
            self.bias.as_deref(),
            self.activation,
            output,
        );
    }
}

impl Kernel for Convolution {
    fn name(&self) -> String {
        let mut name = match self.filter {
            Filter::Given(_) | Filter::Dense(_) => "dense convolution".to_string(),
            Filter::Sparse(_) => "sparse convolution".to_string(),
        };
        if self.normed {
            name += " + batch norm";
        }
        if self.activation != Activation::None {
            name += &format!(" + {:?}", self.activation);
        }
        name
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let (Some(input), [shape]) = (inputs.into_iter().next(), shapes) else {
            return Vec::new();
        };
        let values = match &self.filter {
            Filter::Given(_) => return Vec::new(), // a choice is made before anything runs
            Filter::Dense(filter) => {
                let mut values = self.dense(input, filter).into_floats();
                fused::activate(self.activation, &mut values);
                values
            }
            Filter::Sparse(filter) => {
                let input = input.contiguous();
                let mut output = pool.room(shape.num_elements());
                self.sparse(&input, filter, &mut output);
                pool.take_back(input);
                output
            }
        };
        vec![Value::from_floats(values, shape.clone())]
    }
}
