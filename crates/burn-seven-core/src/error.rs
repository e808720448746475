//! What can go wrong, each case with the parameter's name and both values.

/// A user's mistake or unfit input. Nothing was changed when one is returned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A hyperparameter is outside its range.
    #[error("{parameter} is {value}, but should be {allowed}")]
    OutOfRange {
        /// The hyperparameter's name.
        parameter: &'static str,
        /// The value that was given.
        value: f64,
        /// The range that is allowed, in words.
        allowed: &'static str,
    },
    /// A schedule's window holds no step.
    #[error("the schedule's window {start}..{end} is empty: its end should be after its start")]
    EmptySchedule {
        /// The first step.
        start: usize,
        /// One past the last step.
        end: usize,
    },
    /// A schedule would make the model denser.
    #[error("the schedule goes from sparsity {initial} to {target}, but sparsity cannot decrease")]
    DecreasingSparsity {
        /// Where the schedule starts.
        initial: f64,
        /// Where it ends.
        target: f64,
    },
    /// The model is sparser than the schedule's target.
    #[error("the model's sparsity is {current} already, more than the schedule's target {target}")]
    AlreadySparser {
        /// The share of exact zeros in the selected weights.
        current: f64,
        /// The schedule's final sparsity.
        target: f64,
    },
    /// The selection matches no weight of the model.
    #[error("no weight is selected: {seen} float parameters were seen, {reasons}")]
    NothingSelected {
        /// How many float parameters the model has.
        seen: usize,
        /// Why they were left out.
        reasons: String,
    },
    /// A selected weight has no gradient and the scorer needs one.
    #[error(
        "weight {path} has no gradient, but the scorer {scorer} needs one: is it frozen, unused, or \
         no leaf of the graph, as after a cast or a map? Experts without tokens: \
         PrunerConfig::with_missing_gradient"
    )]
    MissingGradient {
        /// The weight's path in the module.
        path: String,
        /// The scorer's name.
        scorer: &'static str,
    },
    /// A scorer needs another gradient than the one of the loss.
    #[error(
        "the scorer {scorer} needs {needed}, not the gradient of the loss: let \
         Pruner::prune_before_training compute it"
    )]
    OtherGradient {
        /// The scorer's name.
        scorer: &'static str,
        /// What it needs.
        needed: String,
    },
    /// Every step before training, for twice the schedule's window, had NaN or infinite values and
    /// was skipped.
    #[error(
        "all {steps} steps before training had NaN or infinite weights or gradients and were \
         skipped: there is no score to prune by"
    )]
    NothingScored {
        /// How many steps were taken.
        steps: usize,
    },
    /// A gradient at absolute weights was asked of a model with gradient checkpointing.
    #[error(
        "{path}: the gradient at absolute weights cannot be taken of a model with gradient \
         checkpointing"
    )]
    Checkpointed {
        /// The first parameter with checkpointing.
        path: String,
    },
    /// A weight, gradient or score is NaN or infinite.
    #[error("the {what} of weight {path} holds a NaN or infinite value")]
    NonFinite {
        /// `"weight"`, `"gradient"` or `"score"`.
        what: &'static str,
        /// The weight's path in the module.
        path: String,
    },
    /// A weight or its gradient has another shape than before.
    #[error("the {what} of weight {path} has shape {found:?}, but {expected:?} was expected")]
    ShapeMismatch {
        /// `"value"`, `"gradient"`, `"mask"` or `"statistic"`.
        what: &'static str,
        /// The weight's path in the module.
        path: String,
        /// The shape so far.
        expected: Vec<usize>,
        /// The shape now.
        found: Vec<usize>,
    },
    /// A weight is on another device than at first.
    #[error("weight {path} is on {found}, but {expected} was expected")]
    DeviceMismatch {
        /// The weight's path in the module.
        path: String,
        /// The device at first.
        expected: String,
        /// The device now.
        found: String,
    },
    /// A weight has another data type than before.
    #[error("weight {path} is of type {found}, but {expected} was expected")]
    DTypeMismatch {
        /// The weight's path in the module.
        path: String,
        /// The type so far.
        expected: String,
        /// The type now.
        found: String,
    },
    /// A weight that was there before is gone.
    #[error("weight {path} is missing: the set of parameters changed")]
    WeightMissing {
        /// The weight's path in the module.
        path: String,
    },
    /// A weight is there that was not there before.
    #[error("weight {path} is new: the set of parameters changed")]
    WeightAdded {
        /// The weight's path in the module.
        path: String,
    },
    /// A selected weight is frozen, and the scorer reads its gradient.
    #[error(
        "weight {path} is frozen and gets no gradient, but the scorer {scorer} needs one: leave it \
         out by Selection::without, or take a scorer that reads weights alone"
    )]
    Frozen {
        /// The weight's path in the module.
        path: String,
        /// The scorer's name.
        scorer: &'static str,
    },
    /// A scorer reads what enters a layer, and nothing gives it.
    #[error(
        "the scorer {scorer} reads what enters the layer of weight {path}, which a training step \
         does not know: give it by WeightGrad::with_inputs"
    )]
    MissingInputs {
        /// The weight's path in the module.
        path: String,
        /// The scorer's name.
        scorer: &'static str,
    },
    /// Two choices that exclude each other.
    #[error("{one} cannot be combined with {other}")]
    Conflict {
        /// One of them.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// Weights are to grow, and the scorer does not say where.
    #[error("the scorer {scorer} does not say where weights should grow: RigL and SET do")]
    NoGrowth {
        /// The scorer's name.
        scorer: &'static str,
    },
    /// A structure does not fit some weights.
    #[error(
        "structure {structure} does not fit {} weights; leave them out by Selection::without or give \
         them another structure by PrunerConfig::with_structure_in:\n  {}",
        misfits.len(),
        misfits.join("\n  ")
    )]
    StructureMismatch {
        /// The structure's name.
        structure: String,
        /// Each weight's path and shape, and why it does not fit.
        misfits: Vec<String>,
    },
    /// Quotas fix the sparsity, and the schedule or the budget asks for another.
    #[error("structure {structure} gives sparsity {expected}, but {found} was asked for")]
    QuotaSparsity {
        /// The structure's name.
        structure: String,
        /// The sparsity that the quotas give.
        expected: f64,
        /// The sparsity of the schedule, or of one weight's share of the budget.
        found: f64,
    },
    /// Quotas keep more than may stay in all.
    #[error("structure {structure} keeps more entries than the {kept} that may stay in all")]
    QuotaTooLarge {
        /// The structure's name.
        structure: String,
        /// How many may stay.
        kept: usize,
    },
    /// The schedule's window is not over.
    #[error(
        "only {steps} steps of the schedule's {end} were taken: the model's sparsity is {sparsity}, \
         not {target}; Pruner::finish_early accepts that"
    )]
    Unfinished {
        /// The steps that were taken.
        steps: usize,
        /// The end of the schedule's window.
        end: usize,
        /// The sparsity of the masks.
        sparsity: f64,
        /// The schedule's final sparsity.
        target: f64,
    },
    /// A model is from another step than the pruner.
    #[error(
        "weight {path} is masked otherwise than the pruner has it: the model is a copy from another \
         step. Pruner::finish or Module::materialize gives it back with its own masks; to go on from \
         it, load the pruner's record of that step"
    )]
    OtherMasks {
        /// The weight's path in the module.
        path: String,
    },
    /// The weights that must stay in every layer are more than may stay in all.
    #[error("the floor asks for {required} entries in all, but only {kept} may stay")]
    MinimumTooLarge {
        /// The sum of the layers' minimums.
        required: usize,
        /// How many weights the target sparsity leaves.
        kept: usize,
    },
    /// The model carries a pruning mask already.
    #[error("weight {path} carries a pruning mask already: a mask was attached twice")]
    MaskAttachedTwice {
        /// The weight's path in the module.
        path: String,
    },
    /// Two masks are for one weight.
    #[error("weight {path} has two masks")]
    MaskedTwice {
        /// The weight's path in the module.
        path: String,
    },
    /// The model does not carry the pruner's masks.
    #[error("weight {path} carries no pruning mask: call `attach` first")]
    MaskMissing {
        /// The weight's path in the module.
        path: String,
    },
    /// A weight has another reparameterization, and masks in the graph cannot be nested in it.
    #[error(
        "weight {path} carries the reparameterization {kind:?}, which excludes masks in the graph: \
         use MaskMode::AfterStep"
    )]
    Reparameterized {
        /// The weight's path in the module.
        path: String,
        /// The reparameterization's name, such as `lora`.
        kind: String,
    },
    /// A weight is quantized.
    #[error("weight {path} is quantized ({dtype}), but pruning needs a float type")]
    Quantized {
        /// The weight's path in the module.
        path: String,
        /// Its data type.
        dtype: String,
    },
    /// `after_step` was not called after the optimizer's last step.
    #[error("Pruner::after_step was not called after step {step}: pruned weights may have moved")]
    AfterStepMissing {
        /// The pruner's last step.
        step: usize,
    },
    /// The batches ended before the schedule did.
    #[error("the schedule needs {needed} batches, but only {found} were given")]
    NotEnoughBatches {
        /// How many the schedule's window asks for.
        needed: usize,
        /// How many there were.
        found: usize,
    },
    /// A quota cannot be had from the zeros that a weight has already.
    #[error(
        "structure {structure} cannot be reached: weight {path} has groups with fewer entries left"
    )]
    QuotaOfSparse {
        /// The structure's name.
        structure: String,
        /// The weight's path in the module.
        path: String,
    },
    /// A custom structure's units are wrong.
    #[error("structure {structure} is wrong about weight {path}: {reason}")]
    InvalidStructure {
        /// The structure's name.
        structure: String,
        /// The weight's path in the module.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A group, or a name in it, matches no parameter.
    #[error("{group} matches no parameter of the model")]
    NothingLeftOut {
        /// The group.
        group: String,
    },
    /// Two weights are one parameter.
    #[error(
        "weights {path} and {other} are the same parameter{}: PrunerConfig::with_tied prunes both with \
         one mask",
        if *left_out { ", and one of them is left out" } else { "" }
    )]
    Tied {
        /// One path in the module.
        path: String,
        /// The other.
        other: String,
        /// Whether only one of them is selected.
        left_out: bool,
    },
    /// A custom budget handed out its layers or counts wrongly.
    #[error("budget {budget} is wrong about weight {path}: {reason}")]
    InvalidBudget {
        /// The budget's name.
        budget: String,
        /// The weight's path in the module.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A copy of a model that was trained on without it.
    #[error(
        "this copy of the model is of step {model}, but its pruner is at step {pruner}: train only \
         the newest copy on, or fork one to go its own way"
    )]
    OldCopy {
        /// The steps that the model was trained for.
        model: usize,
        /// The steps that the pruner has taken.
        pruner: usize,
    },
    /// A record could not be read or written.
    #[error("record: {reason}")]
    Record {
        /// What the reader or writer said.
        reason: String,
    },
    /// A record is of another model, schedule or scorer.
    #[error("the record's {what} is {found}, but {expected} was expected")]
    RecordMismatch {
        /// What differs.
        what: String,
        /// What the pruner has.
        expected: String,
        /// What the record has.
        found: String,
    },
}

impl From<burn_pack::Error> for Error {
    fn from(error: burn_pack::Error) -> Self {
        Error::Record {
            reason: error.to_string(),
        }
    }
}

/// An [`Error`] of a call that took a model, and the model as it was.
///
/// Modules are moved into [`Pruner::step`](crate::Pruner::step) and its like; when such a call
/// fails, the untouched model comes back in here. `?` turns it into an [`Error`] or a boxed one.
#[derive(Debug)]
pub struct Failed<M> {
    model: Box<M>,
    error: Error,
}

impl<M> Failed<M> {
    pub(crate) fn new(model: M, error: Error) -> Self {
        Self {
            model: Box::new(model),
            error,
        }
    }

    /// What went wrong.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The model as it was before the call, and what went wrong.
    pub fn into_parts(self) -> (M, Error) {
        (*self.model, self.error)
    }
}

impl<M> From<Failed<M>> for Error {
    fn from(failed: Failed<M>) -> Self {
        failed.error
    }
}

impl<M> std::fmt::Display for Failed<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl<M: std::fmt::Debug> std::error::Error for Failed<M> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
