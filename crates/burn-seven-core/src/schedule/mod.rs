//! When masks are chosen, and at what sparsity.
//!
//! One file a schedule. A schedule is frozen and stateless; its window is the steps at which
//! scores are folded and masks chosen. After the window comes the cool-down: masks stay as they are.

mod constant;
mod cubic;
mod exponential;
mod linear;
mod one_shot;
mod ramp;

pub use constant::ConstantSchedule;
pub use cubic::{Cubic, CubicSchedule};
pub use exponential::{Exponential, ExponentialSchedule};
pub use linear::{Linear, LinearSchedule};
pub use one_shot::OneShotSchedule;
pub use ramp::{Curve, RampSchedule};

use std::ops::Range;

use crate::{Error, Sparsity};

/// Says when to score, when to choose masks, and of what sparsity. Steps count from 0.
pub trait Schedule: std::fmt::Debug + Send + Sync + 'static {
    /// The schedule's name, lower case.
    fn name(&self) -> &'static str;

    /// The hyperparameters, so that a record of other ones is refused; see
    /// [`config_of`](crate::scorer::config_of). Default: window and target
    fn config(&self) -> serde_json::Value {
        serde_json::json!({ "window": self.window(), "target": self.target() })
    }

    /// Checks the hyperparameters, before any work.
    ///
    /// # Errors
    ///
    /// One that names the parameter and its values.
    fn validate(&self) -> Result<(), Error>;

    /// The steps at which weights and gradients are folded into the scores.
    fn window(&self) -> Range<usize>;

    /// Whether new masks are due at `step`, which should be at the window's last step at the latest.
    fn updates_at(&self, step: usize) -> bool;

    /// The sparsity of the masks chosen at `step`, for a model that was at `initial` before the
    /// window. It should not fall from one step to the next.
    fn sparsity_at(&self, step: usize, initial: Sparsity) -> Sparsity;

    /// The final sparsity.
    fn target(&self) -> Sparsity;
}

/// The last step that a window may hold: more than any training run takes.
const MAX_STEP: usize = 1_000_000_000;

/// Checks that a window holds a step, and no absurd one.
pub(crate) fn check_window(window: &Range<usize>) -> Result<(), Error> {
    if window.is_empty() {
        return Err(Error::EmptySchedule {
            start: window.start,
            end: window.end,
        });
    }
    if window.end > MAX_STEP {
        return Err(Error::OutOfRange {
            parameter: "the schedule's end",
            value: window.end as f64,
            allowed: "at most 1e9",
        });
    }
    Ok(())
}
