//! A model that prunes itself while it is trained.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::tensor::Device;
use burn_seven_core::{Error, MaskMode, Pruner};

use crate::monitor::Monitor;

/// A model and its pruner, for Burn's `Learner`: wherever `M` is a module that can be trained and
/// validated, so is this.
///
/// ```no_run
/// # use burn::module::Module;
/// # use burn::optim::AdamConfig;
/// # use burn_seven_core::{CubicSchedule, Error, PrunerConfig, SevenScorerConfig, Sparsity};
/// # use burn_seven_train::{WatchPruning, Wrap};
/// # use burn_train::{InferenceStep, Learner, LearnerModel, SupervisedTraining, TrainLoader, ValidLoader};
/// # use burn_train::TrainStep;
/// # fn train<M: LearnerModel>(
/// #     model: M,
/// #     loader: std::sync::Arc<dyn burn::data::dataloader::DataLoader<<M as TrainStep>::Input>>,
/// #     valid: std::sync::Arc<dyn burn::data::dataloader::DataLoader<<M as InferenceStep>::Input>>,
/// # ) -> Result<M, Error> {
/// let schedule = CubicSchedule::new(100..800, Sparsity::new(0.9)?);
/// let pruner = PrunerConfig::new(schedule).init(SevenScorerConfig::new().init(), &model)?;
/// let model = pruner.wrap(model)?;
/// let result = SupervisedTraining::new("artifacts", loader, valid)
///     .watch_pruning(&model)                                    // metrics; an error stops training
///     .with_default_checkpointers()                             // they hold the pruner's state too
///     .num_epochs(10)
///     .launch(Learner::new(model, AdamConfig::new().init(), 1e-3));
/// let (model, mut pruner) = result.model.into_parts()?;
/// println!("{}", pruner.report(&model));
/// let sparse = pruner.finish(model)?;                           // a plain model, with exact zeros
/// # Ok(sparse)
/// # }
/// ```
///
/// **Copies.** A clone shares the pruner: only the newest copy can be trained on, as in `Learner`,
/// which lets go of the old one. An older copy is a good model still, with the masks that it had, and
/// [`finish`](Self::finish) gives it back; to train it on is [`Error::OldCopy`]. A fork
/// ([`Module::fork`]) has a pruner of its own, which starts from the same state. So a replica on
/// another device, given the same gradients, chooses the same masks.
///
/// **Errors.** Burn's training step returns none. At the first error of the pruner the model stops
/// training: the step that failed and all later ones leave it as it is. With
/// [`watch_pruning`](crate::WatchPruning::watch_pruning) the trainer stops too, and
/// [`LearningResult::error`](burn_train::LearningResult) has the message. [`error`](Self::error),
/// [`into_parts`](Self::into_parts) and `finish` give the error.
///
/// **Records.** [`into_record`](Module::into_record), which checkpoints are made of, holds what a
/// plain model's would, with 0 for what is pruned, and beside it the whole state of the pruner in
/// two tensors named `burn-seven`. Loaded into a pruned model the run goes on as it was; into a plain
/// one, with `ModuleRecord::allow_unused`, it gives the pruned weights. A plain model's record loaded
/// into a pruned model starts a run from these weights.
#[derive(Clone)]
pub struct Pruned<M> {
    pub(crate) model: M,
    pub(crate) pruner: Arc<Mutex<Pruner>>,
    /// The pruner's step that the model belongs to.
    pub(crate) step: usize,
    /// Where a fork was sent to; its pruner follows when it is needed.
    pub(crate) device: Option<Device>,
    pub(crate) monitor: Monitor,
}

impl<M: Module> Pruned<M> {
    /// `model` should have the pruner's masks.
    pub(crate) fn new(model: M, pruner: Pruner) -> Self {
        let monitor = Monitor::new(&pruner);
        Self::with_monitor(model, pruner, monitor)
    }

    pub(crate) fn with_monitor(model: M, pruner: Pruner, monitor: Monitor) -> Self {
        Self {
            model,
            step: pruner.steps(),
            pruner: Arc::new(Mutex::new(pruner)),
            device: None,
            monitor,
        }
    }

    /// The model, with its masks.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// A snapshot of the pruner.
    ///
    /// # Errors
    ///
    /// [`Error::OldCopy`] where another copy of the model was trained on;
    /// [`Error::RecordMismatch`] when a custom scorer's state cannot be moved to the model's device.
    pub fn pruner(&self) -> Result<Pruner, Error> {
        let pruner = self.any_pruner()?;
        newest(&pruner, self.step)?;
        Ok(pruner)
    }

    /// A snapshot of the pruner, which may be of a later step than the model.
    pub(crate) fn any_pruner(&self) -> Result<Pruner, Error> {
        let mut pruner = lock(&self.pruner);
        follow(&mut pruner, self.device.as_ref())?;
        Ok(pruner.clone())
    }

    /// What stopped the pruning, if anything did.
    pub fn error(&self) -> Option<Error> {
        self.monitor.error()
    }

    /// The model with its masks, and the pruner.
    ///
    /// # Errors
    ///
    /// [`error`](Self::error), and those of [`pruner`](Self::pruner).
    pub fn into_parts(self) -> Result<(M, Pruner), Error> {
        if let Some(error) = self.error() {
            return Err(error);
        }
        let pruner = self.pruner()?;
        Ok((self.model, pruner))
    }

    /// [`Pruner::finish`]: the plain model, with exact zeros.
    ///
    /// # Errors
    ///
    /// [`error`](Self::error), and those of `Pruner::finish`.
    pub fn finish(self) -> Result<M, Error> {
        if let Some(error) = self.error() {
            return Err(error);
        }
        let mut pruner = self.any_pruner()?;
        Ok(pruner.finish(self.model)?)
    }

    pub(crate) fn mode(&self) -> MaskMode {
        lock(&self.pruner).mode()
    }
}

pub(crate) fn lock(pruner: &Mutex<Pruner>) -> MutexGuard<'_, Pruner> {
    pruner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves a pruner to where its model was sent to.
pub(crate) fn follow(pruner: &mut Pruner, device: Option<&Device>) -> Result<(), Error> {
    let Some(device) = device else {
        return Ok(());
    };
    let mut masks = pruner.masks().iter();
    if masks.any(|mask| mask.weight().device() != device) {
        *pruner = pruner.fork(device)?;
    }
    Ok(())
}

/// Checks that no other copy of the model was trained on since it was at `step`.
pub(crate) fn newest(pruner: &Pruner, step: usize) -> Result<(), Error> {
    match pruner.steps() {
        steps if steps == step => Ok(()),
        steps => Err(Error::OldCopy {
            model: step,
            pruner: steps,
        }),
    }
}

impl<M: std::fmt::Debug> std::fmt::Debug for Pruned<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pruned")
            .field("model", &self.model)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

impl<M: std::fmt::Display> std::fmt::Display for Pruned<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.model.fmt(f)
    }
}
