//! One single cut.

use std::ops::Range;

use serde::Serialize;

use super::Schedule;
use crate::scorer::config_of;
use crate::{Error, Sparsity};

/// One cut at one step, after scores were folded at all steps from a first one up to it.
///
/// SNIP is a cut at step 0; SEVEN's single-cut variant before training is a cut at step 99 over
/// scores from step 0.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OneShotSchedule {
    step: usize,
    scored_from: usize,
    target: Sparsity,
}

impl OneShotSchedule {
    /// Cuts at `step`, with scores folded from step 0 on.
    pub fn new(step: usize, target: Sparsity) -> Self {
        Self {
            step,
            scored_from: 0,
            target,
        }
    }

    /// Folds scores from this step on; at most the step of the cut.
    pub fn with_scored_from(mut self, first: usize) -> Self {
        self.scored_from = first;
        self
    }
}

impl Schedule for OneShotSchedule {
    fn name(&self) -> &'static str {
        "one_shot"
    }

    fn config(&self) -> serde_json::Value {
        config_of(self)
    }

    fn validate(&self) -> Result<(), Error> {
        super::check_window(&self.window())
    }

    fn window(&self) -> Range<usize> {
        self.scored_from..self.step.saturating_add(1)
    }

    fn updates_at(&self, step: usize) -> bool {
        step == self.step
    }

    fn sparsity_at(&self, step: usize, initial: Sparsity) -> Sparsity {
        if step < self.step || self.target < initial {
            initial
        } else {
            self.target
        }
    }

    fn target(&self) -> Sparsity {
        self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_cuts_once_and_scores_up_to_the_cut() {
        let schedule = OneShotSchedule::new(7, Sparsity::new(0.5).unwrap()).with_scored_from(4);
        assert_eq!(schedule.window(), 4..8);
        let due: Vec<usize> = (0..20).filter(|&step| schedule.updates_at(step)).collect();
        assert_eq!(due, [7]);
        assert_eq!(schedule.sparsity_at(6, Sparsity::DENSE), Sparsity::DENSE);
        assert_eq!(schedule.sparsity_at(7, Sparsity::DENSE).value(), 0.5);
    }

    #[test]
    fn a_first_step_after_the_cut_is_refused() {
        let schedule = OneShotSchedule::new(3, Sparsity::DENSE).with_scored_from(9);
        assert_eq!(
            schedule.validate(),
            Err(Error::EmptySchedule { start: 9, end: 4 })
        );
    }
}
