//! The same sparsity throughout.

use std::ops::Range;

use serde::Serialize;

use super::{Schedule, check_window};
use crate::scorer::config_of;
use crate::{Error, Sparsity};

/// The same sparsity at every step of a window, with new masks every
/// [`interval`](Self::with_interval) steps: for what drops and grows weights (RigL, SET), and for
/// masks that are fixed from the start.
#[derive(Debug, Clone, Serialize)]
pub struct ConstantSchedule {
    window: Range<usize>,
    interval: usize,
    sparsity: Sparsity,
}

impl ConstantSchedule {
    /// Masks of `sparsity` at every step of `window`.
    ///
    /// An empty window is an error when a pruner is made of it.
    pub fn new(window: Range<usize>, sparsity: Sparsity) -> Self {
        Self {
            window,
            interval: 1,
            sparsity,
        }
    }

    /// Chooses new masks every `interval` steps, at least 1, counted from the window's start.
    pub fn with_interval(mut self, interval: usize) -> Self {
        self.interval = interval;
        self
    }
}

impl Schedule for ConstantSchedule {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn config(&self) -> serde_json::Value {
        config_of(self)
    }

    fn validate(&self) -> Result<(), Error> {
        check_window(&self.window)?;
        match self.interval {
            0 => Err(Error::OutOfRange {
                parameter: "interval",
                value: 0.0,
                allowed: "at least 1",
            }),
            _ => Ok(()),
        }
    }

    fn window(&self) -> Range<usize> {
        self.window.clone()
    }

    fn updates_at(&self, step: usize) -> bool {
        self.window.contains(&step) && (step - self.window.start + 1).is_multiple_of(self.interval)
    }

    fn sparsity_at(&self, _step: usize, initial: Sparsity) -> Sparsity {
        match initial > self.sparsity {
            true => initial,
            false => self.sparsity,
        }
    }

    fn target(&self) -> Sparsity {
        self.sparsity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_due_every_interval() {
        let schedule = ConstantSchedule::new(10..20, Sparsity::new(0.5).unwrap()).with_interval(4);
        let due: Vec<usize> = (0..40).filter(|&step| schedule.updates_at(step)).collect();
        assert_eq!(due, [13, 17]);
        assert_eq!(schedule.sparsity_at(0, Sparsity::DENSE).value(), 0.5);
        assert!(schedule.with_interval(0).validate().is_err());
    }
}
