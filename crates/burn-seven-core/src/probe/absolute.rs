//! The gradient at the absolute values of all parameters.

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{GradientCheckpointingStrategy, Tensor};

use super::backward;
use crate::Error;
use crate::weights::{ModulePath, rewrite};

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
    let mut context = Context::default();
    model.visit(&mut context);
    if let Some(path) = context.checkpointed {
        return Err(Error::Checkpointed { path });
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
    path: ModulePath,
    autodiff: bool,
    /// The first parameter with gradient checkpointing.
    checkpointed: Option<String>,
}

impl ModuleVisitor for Context {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(strategy) = param.base().gradient_checkpointing_strategy() {
            self.autodiff = true;
            if strategy != GradientCheckpointingStrategy::Disabled {
                self.checkpointed.get_or_insert_with(|| self.path.dotted());
            }
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

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        flag.with_value(false)
    }
}
