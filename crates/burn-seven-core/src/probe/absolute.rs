//! The gradient at the absolute values of all parameters.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{GradientCheckpointingStrategy, Tensor};

use super::backward;
use crate::Error;
use crate::weights::rewrite;

/// The gradient of `output` at a copy of the model whose float parameters, biases and norms too,
/// are their absolute values, under the parameters' ids. With the sum of the outputs for an input
/// of ones it is what [`Synflow`](crate::scorer::Synflow) asks for.
///
/// Pruning masks in the graph stay. The copy's running statistics, as of a batch normalization, are
/// made absolute too and are its own: the model is not touched. Quantized parameters are left as
/// they are.
///
/// # Errors
///
/// [`Error::Checkpointed`] for a model with gradient checkpointing, of which Burn makes no such
/// copy.
pub fn absolute_gradient<M: Module>(
    model: &M,
    output: impl FnOnce(&M) -> Tensor<1>,
) -> Result<GradientsParams, Error> {
    let mut context = Context::default();
    model.visit(&mut context);
    if context.checkpointed {
        return Err(Error::Checkpointed);
    }
    // A clone shares its running statistics with the model, a copy made for validation doesn't.
    let copy = match context.autodiff {
        true => model.valid().train(),
        false => model.valid(),
    };
    let copy = copy.map(&mut Absolute);
    let output = output(&copy);
    Ok(backward(&copy, output))
}

/// What a model's parameters carry of autodiff.
#[derive(Default)]
struct Context {
    autodiff: bool,
    checkpointed: bool,
}

impl ModuleVisitor for Context {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(strategy) = param.base().gradient_checkpointing_strategy() {
            self.autodiff = true;
            self.checkpointed |= strategy != GradientCheckpointingStrategy::Disabled;
        }
    }
}

struct Absolute;

impl ModuleMapper for Absolute {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match param.base().dtype().is_float() {
            true => rewrite(param, Tensor::abs),
            false => param,
        }
    }
}
