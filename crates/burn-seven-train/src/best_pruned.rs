//! The best checkpoint among those that are pruned.

use burn_train::checkpoint::{CheckpointingAction, CheckpointingStrategy};
use burn_train::metric::store::{Aggregate, Direction, EventStoreClient, Split};
use burn_train::metric::{Metric, MetricName};

use crate::Pruned;
use crate::monitor::Monitor;

/// Keeps the best checkpoint by a metric, of the epochs at whose end the schedule's window is over.
/// Burn's `MetricCheckpointingStrategy` would keep one of a dense epoch.
pub struct BestPruned {
    name: MetricName,
    aggregate: Aggregate,
    direction: Direction,
    split: Split,
    monitor: Monitor,
    best: Option<(usize, f64)>,
}

impl BestPruned {
    /// The metric has to be registered.
    pub fn new<M>(
        metric: &impl Metric,
        aggregate: Aggregate,
        direction: Direction,
        split: Split,
        model: &Pruned<M>,
    ) -> Self {
        Self {
            name: metric.name(),
            aggregate,
            direction,
            split,
            monitor: model.monitor.clone(),
            best: None,
        }
    }
}

impl CheckpointingStrategy for BestPruned {
    fn checkpointing(
        &mut self,
        epoch: usize,
        store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        if !self.monitor.figures().finished {
            return Vec::new();
        }
        let Some(value) = store.find_metric(&self.name, epoch, self.aggregate, &self.split) else {
            log::warn!("no value of {} for the best checkpoint", self.name);
            return Vec::new();
        };
        let better = |(_, best): &(usize, f64)| match self.direction {
            Direction::Lowest => value < *best,
            Direction::Highest => value > *best,
        };
        match self.best {
            Some(best) if !better(&best) => Vec::new(),
            old => {
                self.best = Some((epoch, value));
                let delete = old.map(|(epoch, _)| CheckpointingAction::Delete(epoch));
                delete
                    .into_iter()
                    .chain([CheckpointingAction::Save])
                    .collect()
            }
        }
    }
}
