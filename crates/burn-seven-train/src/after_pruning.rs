//! Early stopping that waits for the pruning.

use burn_train::EarlyStoppingStrategy;
use burn_train::metric::store::EventStoreClient;

use crate::Pruned;
use crate::monitor::Monitor;

/// An early stopping that begins when the schedule's window is over: before, the model gets worse
/// because it is pruned, and its best epoch would be a dense one.
#[derive(Clone)]
pub struct AfterPruning<S> {
    strategy: S,
    monitor: Monitor,
}

impl<S> AfterPruning<S> {
    /// `strategy`, asked only once the pruning of `model` is over.
    pub fn new<M>(strategy: S, model: &Pruned<M>) -> Self {
        Self {
            strategy,
            monitor: model.monitor.clone(),
        }
    }
}

impl<S: EarlyStoppingStrategy> EarlyStoppingStrategy for AfterPruning<S> {
    fn should_stop(&mut self, epoch: usize, store: &EventStoreClient) -> bool {
        self.monitor.figures().finished && self.strategy.should_stop(epoch, store)
    }
}
