//! What all schedules that rise over a window share.

use std::marker::PhantomData;
use std::ops::Range;

use serde::Serialize;

use super::{Schedule, check_window};
use crate::scorer::config_of;
use crate::{Error, Sparsity};

/// How sparsity rises over a window.
pub trait Curve: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// The curve's name, lower case.
    const NAME: &'static str;

    /// The sparsity at `progress` in `(0, 1)` of the way from `initial` to `target`.
    fn sparsity(progress: f64, initial: f64, target: f64) -> f64;
}

/// A schedule whose sparsity rises along a [`Curve`] over some steps.
///
/// At step `t` of a ramp of `n` steps the progress is `(t + 1) / n`, so the last step ends on
/// exactly the target. Masks are chosen every [`interval`](Self::with_interval) steps, counted
/// from the ramp's start, and always at its last step.
#[derive(Debug, Clone, Serialize)]
pub struct RampSchedule<C: Curve> {
    ramp: Range<usize>,
    interval: usize,
    scored_from: Option<usize>,
    chosen_until: Option<usize>,
    initial: Sparsity,
    target: Sparsity,
    #[serde(skip)]
    curve: PhantomData<C>,
}

impl<C: Curve> RampSchedule<C> {
    /// Rises over the steps of `ramp` to `target`, with new masks at every step. Scores are folded at
    /// the same steps.
    ///
    /// An empty ramp is an error when a pruner is made of it.
    pub fn new(ramp: Range<usize>, target: Sparsity) -> Self {
        Self {
            ramp,
            interval: 1,
            scored_from: None,
            chosen_until: None,
            initial: Sparsity::DENSE,
            target,
            curve: PhantomData,
        }
    }

    /// Chooses new masks every `interval` steps, at least 1.
    pub fn with_interval(mut self, interval: usize) -> Self {
        self.interval = interval;
        self
    }

    /// Folds scores from step `first` on, at the latest from the ramp's start. Default: from there
    pub fn with_scored_from(mut self, first: usize) -> Self {
        self.scored_from = Some(first);
        self
    }

    /// Goes on after the ramp: at every step before `end` scores are folded and masks of the final
    /// sparsity are chosen again. Default: not
    pub fn with_chosen_until(mut self, end: usize) -> Self {
        self.chosen_until = Some(end);
        self
    }

    /// Starts from this sparsity, not from dense. A model that is sparser starts from its own.
    pub fn with_initial(mut self, initial: Sparsity) -> Self {
        self.initial = initial;
        self
    }
}

impl<C: Curve> Schedule for RampSchedule<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn config(&self) -> serde_json::Value {
        config_of(self)
    }

    fn validate(&self) -> Result<(), Error> {
        check_window(&self.ramp)?;
        check_window(&self.window())?;
        if self.interval == 0 {
            return Err(Error::OutOfRange {
                parameter: "interval",
                value: 0.0,
                allowed: "at least 1",
            });
        }
        if self
            .scored_from
            .is_some_and(|first| first > self.ramp.start)
        {
            return Err(Error::OutOfRange {
                parameter: "scored_from",
                value: self.scored_from.unwrap_or_default() as f64,
                allowed: "at most the ramp's start",
            });
        }
        if self.chosen_until.is_some_and(|end| end < self.ramp.end) {
            return Err(Error::OutOfRange {
                parameter: "chosen_until",
                value: self.chosen_until.unwrap_or_default() as f64,
                allowed: "at least the ramp's end",
            });
        }
        if self.initial > self.target {
            return Err(Error::DecreasingSparsity {
                initial: self.initial.value(),
                target: self.target.value(),
            });
        }
        Ok(())
    }

    fn window(&self) -> Range<usize> {
        let first = self.scored_from.unwrap_or(self.ramp.start);
        first..self.chosen_until.unwrap_or(self.ramp.end)
    }

    fn updates_at(&self, step: usize) -> bool {
        if step >= self.ramp.end {
            return self.window().contains(&step);
        }
        self.ramp.contains(&step) && {
            let done = step - self.ramp.start + 1;
            done.is_multiple_of(self.interval) || step + 1 == self.ramp.end
        }
    }

    fn sparsity_at(&self, step: usize, initial: Sparsity) -> Sparsity {
        let initial = if initial > self.initial {
            initial
        } else {
            self.initial
        };
        if step < self.ramp.start || self.target <= initial {
            return initial;
        }
        if step + 1 >= self.ramp.end {
            return self.target;
        }
        let done = (step - self.ramp.start + 1) as f64;
        let progress = done / self.ramp.len() as f64;
        let sparsity = C::sparsity(progress, initial.value(), self.target.value());
        // Rounding may carry a curve a hair over either end.
        let clamped = sparsity.clamp(initial.value(), self.target.value());
        Sparsity::new(clamped).unwrap_or(self.target)
    }

    fn target(&self) -> Sparsity {
        self.target
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CubicSchedule, ExponentialSchedule, LinearSchedule};
    use super::*;
    use proptest::prelude::*;

    fn sparsity(value: f64) -> Sparsity {
        Sparsity::new(value).unwrap()
    }

    #[test]
    fn masks_are_due_every_interval_and_at_the_last_step() {
        let schedule = LinearSchedule::new(10..21, sparsity(0.5)).with_interval(4);
        let due: Vec<usize> = (0..40).filter(|&step| schedule.updates_at(step)).collect();
        assert_eq!(due, [13, 17, 20]);
    }

    // PLATON's run: scores from the first step, a ramp, then masks at each step to the last.
    #[test]
    fn scores_may_start_before_the_ramp_and_masks_go_on_after_it() {
        let schedule = LinearSchedule::new(10..20, sparsity(0.5)).with_interval(5);
        let schedule = schedule.with_scored_from(0).with_chosen_until(23);
        assert_eq!(schedule.window(), 0..23);
        let due: Vec<usize> = (0..40).filter(|&step| schedule.updates_at(step)).collect();
        assert_eq!(due, [14, 19, 20, 21, 22]);
        assert_eq!(schedule.sparsity_at(5, Sparsity::DENSE), Sparsity::DENSE);
        assert_eq!(schedule.sparsity_at(14, Sparsity::DENSE).value(), 0.25);
        assert_eq!(schedule.sparsity_at(22, Sparsity::DENSE).value(), 0.5);
        assert!(schedule.clone().with_scored_from(11).validate().is_err());
        assert!(schedule.with_chosen_until(19).validate().is_err());
    }

    #[test]
    fn a_sparser_model_starts_from_its_own_sparsity() {
        let schedule = LinearSchedule::new(0..4, sparsity(0.8)).with_initial(sparsity(0.2));
        assert_eq!(schedule.sparsity_at(1, Sparsity::DENSE).value(), 0.5);
        assert_eq!(
            schedule.sparsity_at(1, sparsity(0.4)).value(),
            0.6000000000000001
        );
        assert_eq!(schedule.sparsity_at(3, sparsity(0.4)), sparsity(0.8));
    }

    #[test]
    fn bad_windows_intervals_and_ends_are_refused() {
        assert_eq!(
            CubicSchedule::new(5..5, sparsity(0.5)).validate(),
            Err(Error::EmptySchedule { start: 5, end: 5 })
        );
        #[allow(clippy::reversed_empty_ranges)]
        let backwards = CubicSchedule::new(9..5, sparsity(0.5));
        assert_eq!(
            backwards.validate(),
            Err(Error::EmptySchedule { start: 9, end: 5 })
        );
        assert!(matches!(
            CubicSchedule::new(0..5, sparsity(0.5))
                .with_interval(0)
                .validate(),
            Err(Error::OutOfRange {
                parameter: "interval",
                ..
            })
        ));
        assert_eq!(
            CubicSchedule::new(0..5, sparsity(0.5))
                .with_initial(sparsity(0.6))
                .validate(),
            Err(Error::DecreasingSparsity {
                initial: 0.6,
                target: 0.5
            })
        );
    }

    proptest! {
        #[test]
        fn ramps_never_fall_and_end_on_the_target(
            start in 0usize..50,
            length in 1usize..200,
            target in 0.0f64..0.999,
            initial in 0.0f64..0.999,
        ) {
            let (start_at, target) = (sparsity(initial.min(target)), sparsity(target));
            let schedules: [Box<dyn Schedule>; 3] = [
                Box::new(CubicSchedule::new(start..start + length, target)),
                Box::new(LinearSchedule::new(start..start + length, target)),
                Box::new(ExponentialSchedule::new(start..start + length, target)),
            ];
            for schedule in schedules {
                let mut last = start_at;
                for step in start..start + length + 3 {
                    let now = schedule.sparsity_at(step, start_at);
                    prop_assert!(now >= last, "{} fell at {}", schedule.name(), step);
                    last = now;
                }
                prop_assert_eq!(last, target);
            }
        }
    }
}
