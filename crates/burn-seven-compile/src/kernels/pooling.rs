//! Pooling over the planes of images.

use burn::tensor::Shape;
use burn_seven_cpu::fused::{self, Planes, Window};

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// What becomes of a window's values.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fold {
    Max,
    /// With places outside of the input as zeros, or without them.
    Average {
        padded: bool,
    },
}

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

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let (Some(input), [shape]) = (inputs.into_iter().next(), shapes) else {
            return Vec::new();
        };
        let input = input.contiguous();
        let size = |shape: &Shape| {
            let [_, _, height, width] = shape.dims();
            [height, width]
        };
        let mut output = pool.take(shape.num_elements());
        let planes = Planes {
            values: input.floats(),
            size: size(input.shape()),
        };
        match self.fold {
            Fold::Max => fused::max_pool(planes, self.window, size(shape), &mut output),
            Fold::Average { padded } => {
                fused::average_pool(planes, self.window, padded, size(shape), &mut output);
            }
        }
        pool.take_back(input);
        vec![Value::from_floats(output, shape.clone())]
    }
}
