//! Pruning in the trainer's display, and its errors in the trainer's result.

use burn::module::Module;
use burn_train::{InferenceStep, LearnerModel, SupervisedTraining, TrainStep};

use crate::{Pruned, PruningMetric};

/// What [`SupervisedTraining`] can do with a pruned model.
pub trait WatchPruning<M> {
    /// Shows the [metrics](PruningMetric) of `model`, and stops training when its pruner fails, with
    /// the error's message in the result. `model` is the one that is given to the learner.
    ///
    /// An interrupter of your own comes before: this takes the one that the training has now.
    fn watch_pruning(self, model: &Pruned<M>) -> Self;
}

impl<M> WatchPruning<M> for SupervisedTraining<Pruned<M>>
where
    M: Module + TrainStep + InferenceStep,
    Pruned<M>: LearnerModel,
{
    fn watch_pruning(self, model: &Pruned<M>) -> Self {
        model.monitor.watch(self.interrupter());
        self.metric_train_numeric(PruningMetric::sparsity(model))
            .metric_train_numeric(PruningMetric::target(model))
            .metric_train_numeric(PruningMetric::mask_change(model))
            .metric_train_numeric(PruningMetric::smallest_density(model))
    }
}
