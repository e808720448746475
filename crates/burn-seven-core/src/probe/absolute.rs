//! The gradient at the absolute values of all parameters.

use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{GradientCheckpointingStrategy, Tensor};

use super::backward;
use crate::Error;
use crate::weights::{Found, Read, find, rewrite};

/// The gradient of `output` at a copy of the model whose float parameters, biases and norms too,
/// are their absolute values, under the parameters' ids. With the sum of the outputs for an input
/// of ones it is what [`Synflow`](crate::scorer::Synflow) asks for.
///
/// Pruning masks in the graph stay. The copy behaves as outside training: dropout is off, a batch
/// normalization takes its running statistics. These are made absolute too and are the copy's own:
/// the model is not touched. Quantized parameters are left as they are.
///
/// # Errors
///
/// [`Error::Checkpointed`] for a model with gradient checkpointing, of which Burn makes no such
/// copy.
pub fn absolute_gradient<M: Module>(
    model: &M,
    output: impl FnOnce(&M) -> Tensor<1>,
) -> Result<GradientsParams, Error> {
    let all = find(model, Read::Description);
    let disabled = GradientCheckpointingStrategy::Disabled;
    let checkpointed = |found: &&Found| found.checkpointing.is_some_and(|kind| kind != disabled);
    if let Some(found) = all.iter().find(checkpointed) {
        return Err(Error::Checkpointed {
            path: found.path().to_string(),
        });
    }
    // A clone shares its running statistics with the model, a copy made for validation doesn't.
    let copy = match all.iter().any(|found| found.checkpointing.is_some()) {
        true => model.valid().train(),
        false => model.valid(),
    };
    let copy = copy.map(&mut Absolute);
    let output = output(&copy);
    Ok(backward(&copy, output))
}

struct Absolute;

impl ModuleMapper for Absolute {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match param.base().dtype().is_float() {
            true => rewrite(param, Tensor::abs),
            false => param,
        }
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        flag.with_value(false)
    }
}
