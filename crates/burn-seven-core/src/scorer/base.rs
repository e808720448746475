//! What a scorer is.

use std::sync::Arc;

use burn::tensor::Tensor;
use serde::Serialize;

use super::{Reads, Regrowth, Sample};
use crate::budget::Budget;
use crate::{Error, RecordState};

/// A rule that turns a weight's values and gradients into scores; the highest scores stay.
///
/// Implementations don't have to look at modules, masks, structures, counts, data types, records or
/// devices: they get one [`Sample`] at a time, of one weight tensor at one step, flat (shape `[n]`),
/// float32, finite, outside autodiff. Wrap one in a [`ModuleScorer`](crate::ModuleScorer) to score
/// a whole model.
///
/// ```
/// use burn::tensor::Tensor;
/// use burn_seven_core::{Sample, Score, Scorer};
///
/// #[derive(Clone)]
/// struct RootGradient;
///
/// impl Scorer for RootGradient {
///     type State = Score;
///     fn name(&self) -> &'static str {
///         "root_gradient"
///     }
///     fn update(&self, _: Option<Score>, sample: &Sample<'_>) -> Score {
///         Score::from(sample.weight().abs() * sample.grad().abs().sqrt())
///     }
///     fn score(&self, state: &Score) -> Tensor<1> {
///         state.value.clone()
///     }
/// }
/// ```
pub trait Scorer: Clone + Send + Sync + 'static {
    /// The statistics of one weight: tensors of any shape, and scalars.
    /// [`Score`](crate::Score) will do where the score is the only statistic.
    type State: Clone + RecordState;

    /// The scorer's name, lower case, as records and reports show it.
    fn name(&self) -> &'static str;

    /// Checks the hyperparameters, before any work.
    ///
    /// # Errors
    ///
    /// One that names the parameter, its value and its range.
    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The hyperparameters, so that a record of other ones is refused; see [`config_of`]. Default:
    /// none
    fn config(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// What the scorer reads beside the weight. Default: the gradient of the loss
    fn reads(&self) -> Reads {
        Reads::default()
    }

    /// Whether pruned weights come back. Default: never
    fn regrowth(&self) -> Regrowth {
        Regrowth::Never
    }

    /// The budget of the method's source, where the user names none. Default: none, which is
    /// [`GlobalBudget`](crate::GlobalBudget)
    fn budget(&self) -> Option<Arc<dyn Budget>> {
        None
    }

    /// Whether finite weights and gradients never make a NaN score, not even by overflow. Then the
    /// statistics are updated in place also at steps that choose masks, which saves a copy of them;
    /// a scorer that gives NaN all the same makes the step fail with the statistics updated.
    /// Default: no
    fn never_nan(&self) -> bool {
        false
    }

    /// The statistics after this step; `state` is none at the first one.
    fn update(&self, state: Option<Self::State>, sample: &Sample<'_>) -> Self::State;

    /// The scores, shape `[n]`.
    fn score(&self, state: &Self::State) -> Tensor<1>;

    /// Where pruned weights should grow back: the highest of these do, shape `[n]`, where the pruner
    /// [drops and grows](crate::PrunerConfig::with_drop_and_grow). Default: the scorer does not say
    fn growth(&self, state: &Self::State) -> Option<Tensor<1>> {
        let _ = state;
        None
    }
}

/// A configuration as [`Scorer::config`] and [`Schedule::config`](crate::Schedule::config) give it.
pub fn config_of(config: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// Checks that a decay rate or the like is in `[0, 1)`.
///
/// # Errors
///
/// [`Error::OutOfRange`] with the parameter's name and value.
pub fn in_unit_interval(parameter: &'static str, value: f64) -> Result<(), Error> {
    match (0.0..1.0).contains(&value) {
        true => Ok(()),
        false => Err(Error::OutOfRange {
            parameter,
            value,
            allowed: "in [0, 1)",
        }),
    }
}

/// Checks that a count is at least 1.
pub(super) fn at_least_one(parameter: &'static str, value: usize) -> Result<(), Error> {
    match value {
        0 => Err(Error::OutOfRange {
            parameter,
            value: 0.0,
            allowed: "at least 1",
        }),
        _ => Ok(()),
    }
}

/// Checks that a number is above 0 and finite, in float32, as it is used.
pub(super) fn positive(parameter: &'static str, value: f64) -> Result<(), Error> {
    let single = value as f32;
    match single > 0.0 && single.is_finite() {
        true => Ok(()),
        false => Err(Error::OutOfRange {
            parameter,
            value,
            allowed: "above 0 and finite in float32",
        }),
    }
}
