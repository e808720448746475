//! The line through a model's weights along their gradient.

use std::collections::HashMap;

use burn::module::Module;
use burn::tensor::{FloatDType, Tensor};

use super::norm::largest_and_norm;
use crate::WeightGrads;
use crate::weights::{NewValues, change};

/// The line through the weights along their gradient, and how far to go on it.
pub(super) struct Line {
    /// The gradient over its largest value, 0 where pruned, by path.
    direction: HashMap<String, Tensor<1>>,
    /// What to multiply the direction with to go one step.
    step: f64,
    /// The step in multiples of the gradient.
    pub(super) delta: f64,
}

impl Line {
    /// None where the gradient is 0.
    pub(super) fn along_gradient(weights: &WeightGrads, epsilon: f64) -> Option<Self> {
        let mut paths = Vec::new();
        let mut grads = Vec::new();
        for entry in weights.iter() {
            let Some(grad) = entry.grad() else { continue };
            paths.push(entry.weight().path().to_string());
            grads.push(match entry.pruned() {
                Some(pruned) => grad.mask_fill(pruned.clone(), 0.0),
                None => grad,
            });
        }
        let (largest, norm) = largest_and_norm(&grads);
        if norm == 0.0 {
            return None;
        }
        let values: Vec<_> = weights.iter().map(|entry| entry.value()).collect();
        let length = match largest_and_norm(&values).1 {
            0.0 => 1.0, // weights that are all 0 give no scale
            length => length,
        };
        let delta = epsilon * length / norm;
        let grads = grads.into_iter().map(|grad| grad.div_scalar(largest));
        Some(Self {
            direction: paths.into_iter().zip(grads).collect(),
            step: delta * largest,
            delta,
        })
    }

    /// The model so many steps along the line.
    pub(super) fn at<M: Module>(&self, model: &M, steps: f64) -> M {
        change(model.clone(), |path| {
            let direction = self.direction.get(path)?;
            let offset = direction.clone().mul_scalar(steps * self.step);
            let moved: NewValues<'_> = Box::new(|values| {
                let dtype = FloatDType::from(values.dtype());
                values + offset.cast(dtype)
            });
            Some(moved)
        })
    }
}
