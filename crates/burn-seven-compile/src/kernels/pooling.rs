//! Pooling over the planes of images.

use burn::tensor::Shape;
use burn_seven_cpu::fused::{Fold, Planes, Window, pool};

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// A window that slides over images, shape `[batch, channels, height, width]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pooling {
    pub window: Window,
    pub fold: Fold,
}

impl Kernel for Pooling {
    fn name(&self) -> String {
        match self.fold {
            Fold::Max => "max pooling".to_string(),
            Fold::Average { .. } => "average pooling".to_string(),
        }
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], memory: &Pool) -> Vec<Value> {
        let (Some(input), [shape]) = (inputs.into_iter().next(), shapes) else {
            return Vec::new();
        };
        let input = input.contiguous();
        let size = |shape: &Shape| {
            let [_, _, height, width] = shape.dims();
            [height, width]
        };
        let mut output = memory.take(shape.num_elements());
        let planes = Planes {
            values: input.floats(),
            size: size(input.shape()),
        };
        pool(planes, self.window, self.fold, size(shape), &mut output);
        memory.take_back(input);
        vec![Value::from_floats(output, shape.clone())]
    }
}
