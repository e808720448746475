//! The line through a model's weights along their gradient.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{FloatDType, Tensor};

use super::norm::largest_and_norm;
use crate::WeightGrads;
use crate::weights::{ModulePath, rewrite};

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
            paths.push(entry.path().to_string());
            grads.push(match entry.dropped() {
                Some(dropped) => grad.mask_fill(dropped.clone(), 0.0),
                None => grad,
            });
        }
        let (largest, norm) = largest_and_norm(&grads);
        if norm == 0.0 {
            return None;
        }
        let values: Vec<_> = weights.iter().map(|entry| entry.weight()).collect();
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
        model.clone().map(&mut Move {
            path: ModulePath::default(),
            direction: &self.direction,
            step: steps * self.step,
        })
    }
}

struct Move<'a> {
    path: ModulePath,
    direction: &'a HashMap<String, Tensor<1>>,
    step: f64,
}

impl ModuleMapper for Move<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.reparameterized().is_some() {
            return param;
        }
        let Some(direction) = self.direction.get(&self.path.dotted()) else {
            return param;
        };
        let offset = direction.clone().mul_scalar(self.step);
        rewrite(param, |weight| {
            let dtype = FloatDType::from(weight.dtype());
            let offset = offset.reshape(weight.shape()).cast(dtype);
            weight + offset
        })
    }
}
