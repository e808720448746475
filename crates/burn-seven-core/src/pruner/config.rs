//! What a pruner is made of.

use std::sync::Arc;

use burn::module::Module;
use serde::{Deserialize, Serialize};

use super::Pruner;
use super::spec::{Spec, check_attachable, check_untied};
use crate::kernels::{KernelChoice, Kernels, check_finite};
use crate::scorer::DynScorer;
use crate::weights::{Take, find};
use crate::{
    Budget, Error, GlobalBudget, Masks, ModuleScorer, Pattern, Schedule, Scorer, Selection,
    Selector, Sparsity, Unstructured, WeightGrads,
};

/// Where masks are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MaskMode {
    /// In Burn's autodiff graph, as a reparameterization of each weight. The optimizer may move the
    /// stored value of a pruned weight; the effective one is 0 in every forward pass. The default.
    #[default]
    InGraph,
    /// On the stored weights, by [`Pruner::after_step`] after each optimizer step. The forward pass
    /// costs nothing, gradients are dense, and weights that are frozen or carry a LoRA adapter can
    /// be pruned (the base is).
    AfterStep,
}

/// What to do at a step with a NaN or infinite weight or gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NonFinitePolicy {
    /// Return an error. The default.
    #[default]
    Error,
    /// Leave the step out of the scores and count it in the report, as loss scaling leaves it out
    /// of the weights. Masks that are due are chosen by the scores so far, or at the next step if
    /// there are none.
    Skip,
}

/// Configuration of a [`Pruner`].
#[derive(Debug, Clone)]
pub struct PrunerConfig {
    pub(super) schedule: Arc<dyn Schedule>,
    budget: Arc<dyn Budget>,
    pattern: Arc<dyn Pattern>,
    pub(super) selection: Selection,
    pub(super) mode: MaskMode,
    pub(super) non_finite: NonFinitePolicy,
    min_kept: usize,
    kernels: KernelChoice,
}

impl PrunerConfig {
    /// Prunes on this schedule: all weights together, unstructured, masks in the graph, all weights
    /// of rank 2 and more but embeddings.
    pub fn new(schedule: impl Schedule) -> Self {
        Self {
            schedule: Arc::new(schedule),
            budget: Arc::new(GlobalBudget),
            pattern: Arc::new(Unstructured),
            selection: Selection::new(),
            mode: MaskMode::default(),
            non_finite: NonFinitePolicy::default(),
            min_kept: 1,
            kernels: KernelChoice::default(),
        }
    }

    /// Splits the weights to keep over the layers. Default: [`GlobalBudget`]
    pub fn with_budget(mut self, budget: impl Budget) -> Self {
        self.budget = Arc::new(budget);
        self
    }

    /// The shapes that kept weights form. Default: [`Unstructured`]
    pub fn with_pattern(mut self, pattern: impl Pattern) -> Self {
        self.pattern = Arc::new(pattern);
        self
    }

    /// The weights that are pruned. Default: [`Selection::new`]
    pub fn with_selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Where masks are applied. Default: [`MaskMode::InGraph`]
    pub fn with_mode(mut self, mode: MaskMode) -> Self {
        self.mode = mode;
        self
    }

    /// What to do about NaN and infinite values. Default: [`NonFinitePolicy::Error`]
    pub fn with_non_finite(mut self, policy: NonFinitePolicy) -> Self {
        self.non_finite = policy;
        self
    }

    /// The least number of entries that stay in every weight tensor, so that no layer is lost
    /// whole; layers held at it are reported. Default: 1
    pub fn with_min_kept(mut self, min_kept: usize) -> Self {
        self.min_kept = min_kept;
        self
    }

    /// Runs these kernels on every device. Default: each device's own, by
    /// [`kernels::at`](crate::kernels::at)
    pub fn with_kernels(mut self, kernels: impl Kernels + 'static) -> Self {
        self.kernels = KernelChoice::always(kernels);
        self
    }

    /// A pruner for `model`. Everything that can be known to be wrong is found here.
    ///
    /// Exact zeros in the selected weights count as pruned already, but for weights that are zero
    /// altogether; the schedule starts from their share.
    ///
    /// # Errors
    ///
    /// A bad hyperparameter of the scorer, schedule or pattern; nothing selected; a pattern that
    /// does not fit a weight, its zeros or the target sparsity; a model that is sparser than the
    /// target or carries masks already; tied weights; quantized weights, and with masks in the graph weights with a LoRA
    /// adapter or the like; NaN or infinite weights.
    pub fn init<S: Scorer, M: Module>(
        self,
        scorer: ModuleScorer<S>,
        model: &M,
    ) -> Result<Pruner, Error> {
        DynScorer::validate(&scorer)?;
        self.schedule.validate()?;
        let all = find(model, Take::Value);
        check_attachable(&all, self.mode)?;
        let (selected, left_out) = self.selection.split(all)?;
        check_untied(&selected)?;
        let selector = Selector::from_parts(self.budget, self.pattern, self.min_kept)
            .with_choice(self.kernels);
        let shapes: Vec<_> = selected
            .iter()
            .map(|found| (found.path.as_str(), found.shape.as_slice()))
            .collect();
        selector.check(self.schedule.target(), &shapes)?;

        let masks = Masks::of_found(&selected);
        let initial = Sparsity::of_counts(masks.kept(), masks.total())?;
        let target = self.schedule.target();
        if selector.kept_at(target, &shapes)? > masks.kept() {
            return Err(Error::AlreadySparser {
                current: initial.value(),
                target: target.value(),
            });
        }
        if !scorer.scorer().returns() {
            selector.check_sparse(&masks)?;
        }
        let specs: Vec<Spec> = selected.iter().map(Spec::of).collect();
        check_finite(&WeightGrads::of_found(selected, true)?, selector.choice())?;
        Ok(Pruner {
            scorer: Box::new(scorer),
            schedule: self.schedule,
            selector,
            mode: self.mode,
            non_finite: self.non_finite,
            specs,
            left_out,
            masks,
            initial,
            step: 0,
            skipped: 0,
            overdue: false,
            held: Vec::new(),
            unapplied: None,
            latent: Vec::new(),
            rewrite: false,
            fault: None,
        })
    }
}
