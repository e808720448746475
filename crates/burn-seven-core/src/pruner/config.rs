//! What a pruner is made of.

use std::sync::Arc;

use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, ParamGroup};

use super::Pruner;
use super::checks::{check_attachable, check_trained, tied};
use super::settings::{Clipping, MaskMode, MissingGradient, NonFinitePolicy, Settings};
use crate::budget::{Budget, GlobalBudget};
use crate::compensation::Compensation;
use crate::drop_and_grow::DropAndGrow;
use crate::kernels::{KernelChoice, Kernels};
use crate::mask::Zeros;
use crate::scorer::AnyScorer;
use crate::select::{Layout, Selector, Structures};
use crate::structure::Structure;
use crate::weights::{Read, check_finite, check_group, find};
use crate::{Error, Floor, Schedule, Selection, Sparsity, WeightGrads};

/// Configuration of a [`Pruner`].
#[derive(Debug, Clone)]
pub struct PrunerConfig {
    pub(super) schedule: Arc<dyn Schedule>,
    budget: Option<Arc<dyn Budget>>,
    structures: Structures,
    selection: Selection,
    floor: Floor,
    kernels: KernelChoice,
    settings: Settings,
}

impl PrunerConfig {
    /// Prunes on this schedule: all weights together, entry by entry, masks in the graph, all weights
    /// of rank 2 and more but embeddings.
    pub fn new(schedule: impl Schedule) -> Self {
        Self {
            schedule: Arc::new(schedule),
            budget: None,
            structures: Structures::default(),
            selection: Selection::new(),
            floor: Floor::ShareOfDensity(0.1),
            kernels: KernelChoice::default(),
            settings: Settings::default(),
        }
    }

    /// Splits the weights to keep over the model. Default: that of the scorer's source, which is
    /// [`GlobalBudget`] for most
    pub fn with_budget(mut self, budget: impl Budget) -> Self {
        self.budget = Some(Arc::new(budget));
        self
    }

    /// What is pruned together. Default: [`Entries`](crate::structure::Entries)
    pub fn with_structure(mut self, structure: impl Structure) -> Self {
        self.structures.default = Arc::new(structure);
        self
    }

    /// What is pruned together in the weights of `group`. May be called more than once; a weight in
    /// several groups is of the first.
    pub fn with_structure_in(mut self, group: ParamGroup, structure: impl Structure) -> Self {
        self.structures.by_group.push((group, Arc::new(structure)));
        self
    }

    /// The weights that are pruned. Default: [`Selection::new`]
    pub fn with_selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Where masks are applied. Default: [`MaskMode::InGraph`]
    pub fn with_mode(mut self, mode: MaskMode) -> Self {
        self.settings.mode = mode;
        self
    }

    /// What to do about NaN and infinite values. Default: [`NonFinitePolicy::Error`]
    pub fn with_non_finite(mut self, policy: NonFinitePolicy) -> Self {
        self.settings.non_finite = policy;
        self
    }

    /// What to do about a selected weight without a gradient at some step. Default:
    /// [`MissingGradient::Error`]
    pub fn with_missing_gradient(mut self, missing: MissingGradient) -> Self {
        self.settings.missing = missing;
        self
    }

    /// What exact zeros of the model mean when masks are taken from it. Default: [`Zeros::Pruned`]
    pub fn with_zeros(mut self, zeros: Zeros) -> Self {
        self.settings.zeros = zeros;
        self
    }

    /// What exact zeros mean in the weights of `group`. May be called more than once; a weight in
    /// several groups is of the first.
    pub fn with_zeros_in(mut self, group: ParamGroup, zeros: Zeros) -> Self {
        self.settings.zeros_by_group.push((group, zeros));
        self
    }

    /// Clips the gradients that the scorer sees, each by itself, as the optimizer clips those that it
    /// is given. [`Pruner::optimize`] takes the optimizer's own clipping where none is set here.
    /// Default: not clipped
    pub fn with_grad_clipping(mut self, clipping: GradientClippingConfig) -> Self {
        self.settings.clipping = Some(Clipping(clipping.init()));
        self
    }

    /// Takes two selected paths of one parameter (tied weights, of one id) for one weight with one
    /// mask. Both count. Default: they are an error
    pub fn with_tied(mut self, tied: bool) -> Self {
        self.settings.tied = tied;
        self
    }

    /// Lets frozen weights be pruned by a scorer that reads gradients: whoever calls
    /// [`Pruner::step`] gives it some that the loss has not, such as estimates from adapters.
    /// Default: they are an error
    pub fn with_frozen(mut self, frozen: bool) -> Self {
        self.settings.frozen = frozen;
        self
    }

    /// What stays of every weight tensor in any case, so that no layer is lost whole; layers held at
    /// it are reported. Default: a tenth of what an even cut would leave
    pub fn with_floor(mut self, floor: Floor) -> Self {
        self.floor = floor;
        self
    }

    /// Starts from masks of the schedule's final sparsity, drawn at random by this seed, in the
    /// budget's shares; a model that is as sparse already keeps its own. Default: from the model as
    /// it is
    pub fn with_sparse_start(mut self, seed: u64) -> Self {
        self.settings.sparse_start = Some(seed);
        self
    }

    /// Drops weights and grows others whenever masks are chosen, where the scorer says where to grow.
    /// Default: not
    pub fn with_drop_and_grow(mut self, rule: DropAndGrow) -> Self {
        self.settings.drop_and_grow = Some(rule);
        self
    }

    /// Changes the values of what stays to make up for what goes. Default: values stay
    pub fn with_compensation(mut self, compensation: impl Compensation) -> Self {
        self.settings.compensation = Some(Arc::new(compensation));
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
    /// # Errors
    ///
    /// A bad hyperparameter of the scorer, schedule or structure; nothing selected, or a group that
    /// matches nothing; a structure that does not fit a weight, its zeros or the target sparsity; a
    /// model that is sparser than the target or carries masks already; tied weights; a frozen weight
    /// and a scorer that reads gradients; quantized weights, and with masks in the graph weights with
    /// a LoRA adapter or the like; NaN or infinite weights.
    pub fn init<M: Module>(self, scorer: impl Into<AnyScorer>, model: &M) -> Result<Pruner, Error> {
        let scorer = scorer.into();
        scorer.validate()?;
        self.schedule.validate()?;
        self.floor.validate()?;
        self.settings.validate(&scorer, self.schedule.as_ref())?;
        let all = find(model, Read::Value);
        check_attachable(&all, self.settings.mode)?;
        if scorer.reads().gradient().is_some() && !self.settings.frozen {
            check_trained(&all, &self.selection, scorer.name())?;
        }
        let tied = tied(&all, &self.selection, self.settings.tied)?;
        let (selected, left_out) = self.selection.split(all)?;
        for group in self.groups() {
            check_group(group, &selected)?;
        }
        let weights: Vec<_> = selected.iter().map(|found| found.weight.clone()).collect();
        let ids: Vec<_> = selected.iter().map(|found| found.id).collect();
        let layout = Layout::new(&self.structures, weights.clone(), &ids, &tied)?;
        if self.settings.drop_and_grow.is_some() && layout.has_quotas() {
            return Err(Error::Conflict {
                one: "N:M",
                other: "dropping and growing",
            });
        }
        let budget = self.budget.or_else(|| scorer.budget());
        let budget = budget.unwrap_or_else(|| Arc::new(GlobalBudget));
        let selector = Selector::from_parts(budget, self.structures, self.floor);
        let selector = selector.with_choice(self.kernels);
        selector.check(self.schedule.target(), &layout)?;
        let mut pruner = Pruner {
            scorer,
            schedule: self.schedule,
            selector: selector.with_layout(layout),
            settings: self.settings,
            weights,
            left_out,
            masks: Default::default(),
            initial: Sparsity::DENSE,
            zeros_taken: 0,
            step: 0,
            skipped: 0,
            skipped_last: false,
            overdue: false,
            held: Vec::new(),
            unapplied: None,
            latent: Vec::new(),
            forward: None,
            rewrite: false,
        };
        pruner.take_masks(&selected)?;
        let grads = WeightGrads::of_found(selected)?;
        check_finite(&grads, pruner.selector.choice())?;
        Ok(pruner)
    }

    /// All groups that should match something that is selected.
    fn groups(&self) -> impl Iterator<Item = &ParamGroup> {
        let structures = self.structures.by_group.iter().map(|(group, _)| group);
        let zeros = self.settings.zeros_by_group.iter().map(|(group, _)| group);
        structures.chain(zeros)
    }
}
