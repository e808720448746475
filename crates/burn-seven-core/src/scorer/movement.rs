//! Movement: weights that move away from zero stay.

use std::sync::Arc;

use burn::config::Config;
use burn::tensor::Tensor;

use super::base::positive;
use super::{ModuleScorer, Regrowth, Sample, Scorer, config_of};
use crate::budget::{Budget, UniformBudget};
use crate::{Error, RecordState};

/// Configuration of the [`MovementScorer`].
#[derive(Config, Debug)]
pub struct MovementScorerConfig {
    /// How the score learns. Default: by Adam
    #[config(default = "MovementRule::Learned")]
    pub rule: MovementRule,
    /// The learning rate of [`MovementRule::Learned`], above 0. Default: 0.01
    #[config(default = 0.01)]
    pub learning_rate: f64,
}

/// How a movement score learns from its gradient `w · g`.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum MovementRule {
    /// By Adam, with decay rates 0.9 and 0.999 and ε = 1e-8, as the paper's released code trains it.
    Learned,
    /// `S <- S - w · g`, the plain sum of the paper's table 1.
    Sum,
}

/// Movement: the score of a weight is a parameter of its own, trained through the mask.
///
/// With the straight-through estimator the gradient of the score is `w · g`, `g` the gradient of the
/// loss by the weight as the masked model uses it, also where it is pruned. It is learned from the
/// first step to the last:
///
/// ```text
/// S <- S - lr · Adam(w · g)
/// ```
///
/// The highest scores of each matrix stay, unless the pruner is given another budget. Pruned weights
/// keep their value, get no gradient from the optimizer, and may return. For the paper's run let the
/// schedule score from the first step and choose masks to the last:
///
/// ```
/// # use burn_seven_core::{CubicSchedule, Sparsity};
/// # fn main() -> Result<(), burn_seven_core::Error> {
/// let schedule = CubicSchedule::new(200..1200, Sparsity::new(0.9)?);
/// let schedule = schedule.with_scored_from(0).with_chosen_until(2000);
/// # let _ = schedule;
/// # Ok(())
/// # }
/// ```
///
/// See [Movement Pruning: Adaptive Sparsity by Fine-Tuning](https://arxiv.org/abs/2005.07683),
/// section 4.
#[derive(Clone, Debug)]
pub struct Movement {
    config: MovementScorerConfig,
}

/// [`Movement`] over a whole model.
pub type MovementScorer = ModuleScorer<Movement>;

/// Statistics of [`Movement`] for one weight.
#[derive(Clone, Debug, RecordState)]
pub struct MovementState {
    /// The score `S`.
    pub score: Tensor<1>,
    /// Adam's moments of the score's gradient; none for a sum.
    pub moments: Option<MovementMoments>,
}

/// Adam's moments of a score's gradient.
#[derive(Clone, Debug, RecordState)]
pub struct MovementMoments {
    /// The first.
    pub first: Tensor<1>,
    /// The second.
    pub second: Tensor<1>,
    /// How many steps they are of.
    pub steps: usize,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl MovementScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Movement {
        Movement {
            config: self.clone(),
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> MovementScorer {
        self.build().into()
    }
}

impl Scorer for Movement {
    type State = MovementState;

    fn name(&self) -> &'static str {
        "movement"
    }

    fn validate(&self) -> Result<(), Error> {
        positive("learning_rate", self.config.learning_rate)
    }

    fn config(&self) -> serde_json::Value {
        config_of(&self.config)
    }

    fn regrowth(&self) -> Regrowth {
        Regrowth::WithOldValue
    }

    fn budget(&self) -> Option<Arc<dyn Budget>> {
        Some(Arc::new(UniformBudget))
    }

    fn update(&self, state: Option<MovementState>, sample: &Sample<'_>) -> MovementState {
        let grad = sample.weight() * sample.grad();
        let (score, moments) = match state {
            Some(state) => (state.score, state.moments),
            None => (grad.zeros_like(), None),
        };
        match self.config.rule {
            MovementRule::Sum => MovementState {
                score: score - grad,
                moments: None,
            },
            MovementRule::Learned => {
                let moments = MovementMoments::after(moments, grad);
                let score = score - moments.step().mul_scalar(self.config.learning_rate);
                MovementState {
                    score,
                    moments: Some(moments),
                }
            }
        }
    }

    fn score(&self, state: &MovementState) -> Tensor<1> {
        state.score.clone()
    }
}

impl MovementMoments {
    fn after(before: Option<Self>, grad: Tensor<1>) -> Self {
        let square = grad.clone().square();
        let (first, second) = (
            grad.mul_scalar(1.0 - BETA_1),
            square.mul_scalar(1.0 - BETA_2),
        );
        match before {
            None => Self {
                first,
                second,
                steps: 1,
            },
            Some(before) => Self {
                first: before.first.mul_scalar(BETA_1) + first,
                second: before.second.mul_scalar(BETA_2) + second,
                steps: before.steps.saturating_add(1),
            },
        }
    }

    /// What to go along, for a learning rate of 1.
    fn step(&self) -> Tensor<1> {
        let steps = self.steps.min(i32::MAX as usize) as i32;
        let correction = |beta: f64| 1.0 - beta.powi(steps);
        let first = self.first.clone().div_scalar(correction(BETA_1));
        let second = self.second.clone().div_scalar(correction(BETA_2));
        first / second.sqrt().add_scalar(EPSILON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_refuses, assert_resumes, scores_after};

    // -(2·3) - (2·-1) = -4; -(-1·1) - (-1·2) = 3: the second weight grows away from zero.
    #[test]
    fn movement_away_from_zero_scores_high() {
        let steps: &[(&[f32], &[f32])] =
            &[(&[2.0, -1.0], &[3.0, 1.0]), (&[2.0, -1.0], &[-1.0, 2.0])];
        let sum = MovementScorerConfig::new().with_rule(MovementRule::Sum);
        assert_eq!(scores_after(sum.init(), steps), [-4.0, 3.0]);
    }

    // Adam's first step is the learning rate against the gradient's sign, whatever its size. Then
    // for gradients 1 and 0: m̂ = 0.09/0.19, v̂ = 0.000999/0.001999.
    #[test]
    fn the_learned_score_goes_as_adam_does() {
        let steps: &[(&[f32], &[f32])] = &[(&[1.0, -4.0], &[1.0, 5.0]), (&[1.0, -4.0], &[0.0, 0.0])];
        let first = scores_after(MovementScorerConfig::new().init(), &steps[..1]);
        assert!((first[0] + 0.01).abs() < 1e-7 && (first[1] - 0.01).abs() < 1e-7, "{first:?}");
        let second = scores_after(MovementScorerConfig::new().init(), steps);
        let step = 0.01 * (0.09 / 0.19) / (0.000999f64 / 0.001999).sqrt();
        assert!((f64::from(second[0]) + 0.01 + step).abs() < 1e-7, "{second:?}");
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        let scorer = MovementScorerConfig::new().with_learning_rate(0.0).init();
        assert_refuses(scorer, "learning_rate", 0.0);
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(MovementScorerConfig::new().init());
        let sum = MovementScorerConfig::new().with_rule(MovementRule::Sum);
        assert_resumes(sum.init());
    }
}
