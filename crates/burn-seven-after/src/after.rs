//! How a model is pruned.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::Module;
use burn_seven_compile::Tensors;
use burn_seven_core::{Budget, Sparsity, UniformBudget};

use crate::{AfterError, AfterReport, Pattern, Run, Solver};

/// How a trained model is pruned without training it.
///
/// Each linear layer and 2-d convolution is a matrix `W` of shape `[in, out]` with inputs `X` of shape
/// `[samples, in]`; those of a convolution are its unfolded patches. A solver sees `W` and `H = XᵀX`.
#[derive(Debug, Clone)]
pub struct After {
    pub(crate) solver: Solver,
    pub(crate) sparsity: Sparsity,
    pub(crate) pattern: Pattern,
    pub(crate) refit: bool,
    pub(crate) damping: f64,
    pub(crate) block: usize,
    pub(crate) budget: Arc<dyn Budget>,
    pub(crate) layers: BTreeMap<String, Sparsity>,
    pub(crate) done: usize,
}

impl After {
    /// A solver with the defaults of its paper, and a sparsity for each layer.
    pub fn new(solver: Solver, sparsity: Sparsity) -> Self {
        Self {
            solver,
            sparsity,
            pattern: match solver {
                Solver::Wanda => Pattern::Output,
                Solver::Magnitude | Solver::SparseGpt => Pattern::Layer,
            },
            refit: false,
            damping: 0.01,
            block: 128,
            budget: Arc::new(UniformBudget),
            layers: BTreeMap::new(),
            done: 0,
        }
    }

    /// Among which weights of a layer those to keep are chosen. Default: [`Pattern::Output`] with Wanda,
    /// else [`Pattern::Layer`]
    pub fn with_pattern(mut self, pattern: Pattern) -> Self {
        self.pattern = pattern;
        self
    }

    /// Whether the weights that stay are fitted to the layer's outputs once the mask is chosen:
    /// `w_S = H_SS⁻¹ (H w)_S` for each output, the least-squares optimum for this mask. It takes a
    /// Cholesky factor for each output, `kept³/3` operations. Default: no
    pub fn with_refit(mut self, refit: bool) -> Self {
        self.refit = refit;
        self
    }

    /// What is added to the diagonal of `H` by SparseGPT and the refit, in shares of its mean. Where
    /// that is not enough for a Cholesky factor it is taken times ten, which the report says. Default:
    /// 0.01
    pub fn with_damping(mut self, damping: f64) -> Self {
        self.damping = damping;
        self
    }

    /// How many inputs SparseGPT chooses a mask for at once. Default: 128
    pub fn with_block(mut self, block: usize) -> Self {
        self.block = block;
        self
    }

    /// How the weights that stay are split over the layers: [`UniformBudget`],
    /// [`ErkBudget`](burn_seven_core::ErkBudget), [`GroupBudget`](burn_seven_core::GroupBudget), or one of
    /// your own that gives each layer a count. Layers are pruned one by one, so none that compares scores
    /// of several. Default: uniform
    pub fn with_budget(mut self, budget: impl Budget) -> Self {
        self.budget = Arc::new(budget);
        self
    }

    /// Another sparsity for one weight than the budget's, by its path; [`Sparsity::DENSE`] leaves it alone.
    pub fn with_layer(mut self, path: impl Into<String>, sparsity: Sparsity) -> Self {
        self.layers.insert(path.into(), sparsity);
        self
    }

    /// The first `done` layers are pruned already and are left as they are. A run that was stopped
    /// goes on with the saved [`Run::model`] and [`Run::done`].
    pub fn with_done(mut self, done: usize) -> Self {
        self.done = done;
        self
    }

    /// Captures the forward pass of each calibration input and finds the layers. The [`Run`] prunes
    /// them one by one. Models on other devices are pruned on flex and given back on theirs.
    ///
    /// # Errors
    ///
    /// [`AfterError::OutOfRange`] without calibration inputs, with an option out of its range, or with a
    /// budget that compares scores of several layers; [`AfterError::Core`] where a budget does not fit the
    /// layers; [`AfterError::Reparameterized`]; [`AfterError::Capture`] where the forward pass cannot be captured; [`AfterError::NoLayer`];
    /// [`AfterError::NothingToPrune`]; [`AfterError::AnotherWay`].
    pub fn start<M, I, O, F>(
        &self,
        model: &M,
        calibration: &[I],
        forward: F,
    ) -> Result<Run<M>, AfterError>
    where
        M: Module,
        I: Tensors,
        O: Tensors,
        F: Fn(&M, I) -> O,
    {
        self.check()?;
        Run::new(self, model, calibration, &forward)
    }

    /// Prunes all layers.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) and [`Run::next_layer`].
    pub fn prune<M, I, O, F>(
        &self,
        model: &M,
        calibration: &[I],
        forward: F,
    ) -> Result<(M, AfterReport), AfterError>
    where
        M: Module,
        I: Tensors,
        O: Tensors,
        F: Fn(&M, I) -> O,
    {
        let mut run = self.start(model, calibration, forward)?;
        while run.next_layer()?.is_some() {}
        Ok(run.finish())
    }

    fn check(&self) -> Result<(), AfterError> {
        let refused = |parameter, expected: &str, found: String| {
            Err(AfterError::OutOfRange {
                parameter,
                expected: expected.to_string(),
                found,
            })
        };
        if !(self.damping >= 0.0 && self.damping.is_finite()) {
            return refused("damping", "finite and at least 0", self.damping.to_string());
        }
        if self.block == 0 {
            return refused("block", "at least 1", "0".to_string());
        }
        match self.pattern {
            Pattern::NOfM { kept, of } if kept == 0 || kept > of => {
                refused("N:M", "1:M up to M:M", format!("{kept}:{of}"))
            }
            Pattern::NOfM { of, .. }
                if self.solver == Solver::SparseGpt && !self.block.is_multiple_of(of) =>
            {
                let expected = format!("a multiple of the {of} of N:M");
                refused("block", &expected, self.block.to_string())
            }
            _ => Ok(()),
        }
    }
}
