//! What all schedules that rise over a window share.

use std::marker::PhantomData;
use std::ops::Range;

use super::{Schedule, check_window};
use crate::{Error, Sparsity};

/// How sparsity rises over a window.
pub trait Curve: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// The curve's name, lower case.
    const NAME: &'static str;

    /// The sparsity at `progress` in `(0, 1)` of the way from `initial` to `target`.
    fn sparsity(progress: f64, initial: f64, target: f64) -> f64;
}

/// A schedule whose sparsity rises along a [`Curve`] over a window of steps.
///
/// At step `t` of a window of `n` steps the progress is `(t + 1) / n`, so the last step ends on
/// exactly the target. Masks are chosen every [`interval`](Self::with_interval) steps, counted
/// from the window's start, and always at its last step.
#[derive(Debug, Clone)]
pub struct RampSchedule<C: Curve> {
    window: Range<usize>,
    interval: usize,
    initial: Sparsity,
    target: Sparsity,
    curve: PhantomData<C>,
}

impl<C: Curve> RampSchedule<C> {
    /// Rises over the steps of `window` to `target`, with new masks at every step.
    ///
    /// An empty window is an error when a pruner is made of it.
    pub fn new(window: Range<usize>, target: Sparsity) -> Self {
        Self {
            window,
            interval: 1,
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

    fn validate(&self) -> Result<(), Error> {
        check_window(&self.window)?;
        if self.interval == 0 {
            return Err(Error::OutOfRange {
                parameter: "interval",
                value: 0.0,
                allowed: "at least 1",
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
        self.window.clone()
    }

    fn updates_at(&self, step: usize) -> bool {
        self.window.contains(&step) && {
            let done = step - self.window.start + 1;
            done.is_multiple_of(self.interval) || step + 1 == self.window.end
        }
    }

    fn sparsity_at(&self, step: usize, initial: Sparsity) -> Sparsity {
        let initial = if initial > self.initial {
            initial
        } else {
            self.initial
        };
        if step < self.window.start || self.target <= initial {
            return initial;
        }
        if step + 1 >= self.window.end {
            return self.target;
        }
        let done = (step - self.window.start + 1) as f64;
        let progress = done / self.window.len() as f64;
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
