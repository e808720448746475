//! Between magnitude and accumulated sensitivity.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{ModuleScorer, Sample, Scorer, config_of};
use crate::{Error, RecordState};

/// Configuration of the [`HedgeScorer`].
#[derive(Config, Debug)]
pub struct HedgeScorerConfig {
    /// How much gradients count, in `[0, 1]`: at 0 the score is magnitude, at 1 close to
    /// accumulated sensitivity. Default: 0.5
    #[config(default = 0.5)]
    pub beta: f64,
}

/// `S = |w| · (Σ |g|)^β`: a hedge between what is large and what the loss reacts to.
///
/// A variant of SEVEN, not of a paper. Pruned weights do not return.
#[derive(Clone, Debug)]
pub struct Hedge {
    config: HedgeScorerConfig,
}

/// [`Hedge`] over a whole model.
pub type HedgeScorer = ModuleScorer<Hedge>;

/// Statistics of [`Hedge`] for one weight.
#[derive(Clone, Debug, RecordState)]
pub struct HedgeState {
    /// The sum of absolute gradients.
    pub sum: Tensor<1>,
    /// The score, by the last weight.
    pub score: Tensor<1>,
}

impl HedgeScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Hedge {
        Hedge {
            config: self.clone(),
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> HedgeScorer {
        self.build().into()
    }
}

impl Scorer for Hedge {
    type State = HedgeState;

    fn name(&self) -> &'static str {
        "hedge"
    }

    fn validate(&self) -> Result<(), Error> {
        let beta = self.config.beta;
        match (0.0..=1.0).contains(&beta) {
            true => Ok(()),
            false => Err(Error::OutOfRange {
                parameter: "beta",
                value: beta,
                allowed: "in [0, 1]",
            }),
        }
    }

    fn config(&self) -> serde_json::Value {
        config_of(&self.config)
    }

    fn update(&self, state: Option<HedgeState>, sample: &Sample<'_>) -> HedgeState {
        let grad = sample.grad().abs();
        let sum = match state {
            Some(state) => (state.sum + grad).clamp_max(f32::MAX),
            None => grad,
        };
        let weight = sample.stored_weight().abs();
        // 0 to the power of 0 is 1: magnitude.
        let score = weight * sum.clone().powf_scalar(self.config.beta as f32);
        HedgeState { sum, score }
    }

    fn score(&self, state: &HedgeState) -> Tensor<1> {
        state.score.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_refuses, assert_resumes, scores_after};

    // Σ|g| is 4 and 9 and 0.
    #[test]
    fn beta_goes_from_magnitude_to_sensitivity() {
        let steps: &[(&[f32], &[f32])] = &[
            (&[5.0, 5.0, 5.0], &[3.0, -4.0, 0.0]),
            (&[2.0, -3.0, 7.0], &[-1.0, 5.0, 0.0]),
        ];
        for (beta, expected) in [
            (0.0, [2.0, 3.0, 7.0]),
            (0.5, [4.0, 9.0, 0.0]),
            (1.0, [8.0, 27.0, 0.0]),
        ] {
            let scores = scores_after(HedgeScorerConfig::new().with_beta(beta).init(), steps);
            for (score, expected) in scores.iter().zip(expected) {
                assert!((score - expected).abs() < 1e-5, "{beta}: {scores:?}");
            }
        }
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        assert_refuses(HedgeScorerConfig::new().with_beta(1.5).init(), "beta", 1.5);
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(HedgeScorerConfig::new().init());
    }
}
