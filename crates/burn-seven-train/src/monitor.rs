//! What all copies and replicas of one pruned model have in common: how far the pruning is, and what
//! went wrong.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::{Int, Tensor};
use burn_seven_core::{Error, Mask, Masks, Pruner};
use burn_train::train::WorkerFailure;
use burn_train::{Interrupter, TrainingError};

/// How far the pruning is. Shares are from 0 to 1.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// The share of the selected weights that is pruned.
    pub sparsity: f64,
    /// The sparsity that the schedule asked for.
    pub target: f64,
    /// The share of the selected weights whose mask changed when masks were last chosen.
    pub changed: f64,
    /// The share that is kept of the weight of which the least is.
    pub least_density: f64,
    /// Whether the schedule's window is over.
    pub finished: bool,
}

#[derive(Default)]
struct Shared {
    figures: Figures,
    watched: bool,
    interrupter: Option<Interrupter>,
    error: Option<Error>,
}

/// A handle on what is shared.
#[derive(Clone, Default)]
pub(crate) struct Monitor(Arc<Mutex<Shared>>);

impl Monitor {
    pub(crate) fn new(pruner: &Pruner) -> Self {
        let monitor = Self::default();
        monitor.update(pruner, None);
        monitor
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on an error stops the training of `interrupter`, and changes of masks are counted.
    pub(crate) fn watch(&self, interrupter: Interrupter) {
        let mut shared = self.lock();
        if let Some(error) = &shared.error {
            stop(&interrupter, error);
        }
        shared.watched = true;
        shared.interrupter = Some(interrupter);
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.lock().watched
    }

    pub(crate) fn figures(&self) -> Figures {
        self.lock().figures
    }

    pub(crate) fn error(&self) -> Option<Error> {
        self.lock().error.clone()
    }

    /// Keeps the first error, and stops training.
    pub(crate) fn fail(&self, error: Error) {
        let mut shared = self.lock();
        match &shared.interrupter {
            Some(interrupter) => stop(interrupter, &error),
            None => log::error!(
                "pruning stopped, and the model is not trained on: {error} (with watch_pruning \
                 training would have stopped)"
            ),
        }
        shared.error.get_or_insert(error);
    }

    /// Forgets an error, where a good state was loaded.
    pub(crate) fn recover(&self, pruner: &Pruner) {
        self.lock().error = None;
        self.update(pruner, None);
    }

    /// Takes the figures from `pruner`; `before` are the masks before it chose others.
    pub(crate) fn update(&self, pruner: &Pruner, before: Option<&Masks>) {
        let masks = pruner.masks();
        let density = |mask: &Mask| mask.kept() as f64 / mask.total().max(1) as f64;
        let changed = before.map(|before| share_changed(before, masks));
        let mut shared = self.lock();
        shared.figures = Figures {
            sparsity: masks.sparsity(),
            target: pruner.scheduled_sparsity(),
            changed: changed.unwrap_or(shared.figures.changed),
            least_density: masks.iter().map(density).fold(1.0, f64::min),
            finished: pruner.is_finished(),
        };
    }
}

/// Stops training with the error's message.
fn stop(interrupter: &Interrupter, error: &Error) {
    let message = error.to_string();
    interrupter.stop(Some(&message));
    interrupter.fail(TrainingError::Workers(vec![WorkerFailure {
        device_id: 0,
        message,
    }]));
}

/// The share of entries that are kept by one of the two and not by the other.
fn share_changed(before: &Masks, after: &Masks) -> f64 {
    let pairs = before.iter().zip(after.iter());
    // All are asked for before the first is waited for.
    let counts: Vec<Tensor<1, Int>> = pairs
        .map(|(before, after)| {
            let changed = before.pruned().clone().not_equal(after.pruned().clone());
            changed.int().sum()
        })
        .collect();
    let counts = counts.into_iter().map(|count| count.into_scalar::<i64>());
    counts.sum::<i64>() as f64 / after.total().max(1) as f64
}
