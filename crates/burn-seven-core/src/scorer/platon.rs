//! PLATON: importance times uncertainty.

use burn::config::Config;
use burn::tensor::Tensor;

use super::base::at_least_one;
use super::{ModuleScorer, Regrowth, Sample, Scorer, config_of, in_unit_interval};
use crate::{Error, RecordState};

/// Configuration of the [`PlatonScorer`].
#[derive(Config, Debug)]
pub struct PlatonScorerConfig {
    /// Decay rate of the importance, in `[0, 1)`. Default: 0.85
    #[config(default = 0.85)]
    pub beta_1: f64,
    /// Decay rate of the uncertainty, in `[0, 1)`. Default: 0.95
    #[config(default = 0.95)]
    pub beta_2: f64,
    /// Steps over which the sensitivity is averaged before it is smoothed (ΔT), at least 1.
    /// Default: 10
    #[config(default = 10)]
    pub window: usize,
}

/// PLATON: an upper confidence bound of the importance.
///
/// With `u` the mean of `|w · g|` over a window of ΔT steps, at the end of each window:
///
/// ```text
/// I <- β1 I + (1 - β1) u
/// U <- β2 U + (1 - β2) |u - I|
/// S = I · U
/// ```
///
/// Between ends of windows the score stands still; before the first one ends it is `u` so far.
/// Pruned weights are set to 0 whenever masks are chosen, are trained from there, and may return. The
/// paper's runs score from the first step and choose masks to the last:
/// [`RampSchedule::with_scored_from`](crate::schedule::RampSchedule::with_scored_from),
/// [`with_chosen_until`](crate::schedule::RampSchedule::with_chosen_until). See
/// [PLATON: Pruning Large Transformer Models with Upper Confidence Bound of Weight Importance](https://arxiv.org/abs/2206.12562),
/// equations 8 to 10.
#[derive(Clone, Debug)]
pub struct Platon {
    config: PlatonScorerConfig,
}

/// [`Platon`] over a whole model.
pub type PlatonScorer = ModuleScorer<Platon>;

/// Statistics of [`Platon`] for one weight.
#[derive(Clone, Debug, RecordState)]
pub struct PlatonState {
    /// The sum of `|w · g|` over the window so far.
    pub sum: Tensor<1>,
    /// Steps in the window so far.
    pub steps: usize,
    /// The smoothed importance `I`.
    pub importance: Tensor<1>,
    /// The smoothed uncertainty `U`.
    pub uncertainty: Tensor<1>,
    /// Windows that ended.
    pub windows: usize,
}

impl PlatonScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Platon {
        Platon {
            config: self.clone(),
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> PlatonScorer {
        self.build().into()
    }
}

impl Scorer for Platon {
    type State = PlatonState;

    fn name(&self) -> &'static str {
        "platon"
    }

    fn validate(&self) -> Result<(), Error> {
        in_unit_interval("beta_1", self.config.beta_1)?;
        in_unit_interval("beta_2", self.config.beta_2)?;
        at_least_one("window", self.config.window)
    }

    fn regrowth(&self) -> Regrowth {
        Regrowth::WithTrainedValue
    }

    fn config(&self) -> serde_json::Value {
        config_of(&self.config)
    }

    fn update(&self, state: Option<PlatonState>, sample: &Sample<'_>) -> PlatonState {
        let state = state.unwrap_or_else(|| PlatonState {
            sum: sample.zeros(),
            steps: 0,
            importance: sample.zeros(),
            uncertainty: sample.zeros(),
            windows: 0,
        });
        let PlatonScorerConfig {
            beta_1,
            beta_2,
            window,
        } = self.config;
        let sum = state.sum + (sample.weight() * sample.grad()).abs();
        let steps = state.steps.saturating_add(1);
        if steps < window {
            return PlatonState {
                sum,
                steps,
                ..state
            };
        }
        let u = sum.clone().div_scalar(window as f64);
        let importance = state.importance.mul_scalar(beta_1) + u.clone().mul_scalar(1.0 - beta_1);
        let deviation = (u - importance.clone()).abs();
        let uncertainty = state.uncertainty.mul_scalar(beta_2) + deviation.mul_scalar(1.0 - beta_2);
        PlatonState {
            sum: sum.zeros_like(),
            steps: 0,
            importance,
            uncertainty,
            windows: state.windows.saturating_add(1),
        }
    }

    fn score(&self, state: &PlatonState) -> Tensor<1> {
        match state.windows {
            0 => state.sum.clone().div_scalar(state.steps.max(1) as f64),
            _ => state.importance.clone() * state.uncertainty.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_refuses, assert_resumes, scores_after};

    fn halves(window: usize) -> PlatonScorer {
        let config = PlatonScorerConfig::new().with_window(window);
        config.with_beta_1(0.5).with_beta_2(0.5).init()
    }

    // u = 4: I = 2, U = 0.5·|4 - 2| = 1, S = 2.
    // u = 2: I = 1 + 1 = 2, U = 0.5 + 0.5·0 = 0.5, S = 1.
    #[test]
    fn score_is_importance_times_uncertainty() {
        let steps: &[(&[f32], &[f32])] = &[(&[2.0], &[-2.0]), (&[-1.0], &[2.0])];
        assert_eq!(scores_after(halves(1), &steps[..1]), [2.0]);
        assert_eq!(scores_after(halves(1), steps), [1.0]);
    }

    // A window of 2: after one step the mean so far, 4; after two u = (4 + 2)/2 = 3, I = 1.5,
    // U = 0.75, S = 1.125; a third step leaves it there.
    #[test]
    fn the_window_averages_before_smoothing() {
        let steps: &[(&[f32], &[f32])] = &[(&[2.0], &[-2.0]), (&[-1.0], &[2.0]), (&[5.0], &[5.0])];
        assert_eq!(scores_after(halves(2), &steps[..1]), [4.0]);
        assert_eq!(scores_after(halves(2), &steps[..2]), [1.125]);
        assert_eq!(scores_after(halves(2), steps), [1.125]);
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        assert_refuses(
            PlatonScorerConfig::new().with_beta_1(2.0).init(),
            "beta_1",
            2.0,
        );
        assert_refuses(
            PlatonScorerConfig::new().with_beta_2(1.0).init(),
            "beta_2",
            1.0,
        );
        assert_refuses(
            PlatonScorerConfig::new().with_window(0).init(),
            "window",
            0.0,
        );
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(PlatonScorerConfig::new().with_window(3).init());
    }
}
