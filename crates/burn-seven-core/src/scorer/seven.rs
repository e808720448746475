//! SEVEN: sensitivity discounted by how bursty its gradient is.

use burn::config::Config;
use burn::tensor::Tensor;

use super::base::positive;
use super::{ModuleScorer, Sample, Scorer, config_of, in_unit_interval};
use crate::kernels::{SevenRule, SevenStep, SevenTensors};
use crate::{Error, RecordState};

/// Configuration of the [`SevenScorer`].
#[derive(Config, Debug)]
pub struct SevenScorerConfig {
    /// Decay rate of the first moment, in `[0, 1)`. Default: 0.8
    #[config(default = 0.8)]
    pub alpha_1: f64,
    /// Decay rate of the second moment, in `[0, 1)`. Default: 0.9
    #[config(default = 0.9)]
    pub alpha_2: f64,
    /// Added to the root of the second moment, above 0. Default: 1e-9
    #[config(default = 1e-9)]
    pub epsilon: f64,
    /// What the first moment is the mean of. Default: the absolute gradient
    #[config(default = "SevenMoment::Absolute")]
    pub moment: SevenMoment,
    /// `γ` in `[0, 1]`: the score of an entry is divided by the `γ`-th power of the mean score of its
    /// weight, so that layers with small gradients are not emptied. A variant that is not of the
    /// paper. Default: 0, the score as it is
    #[config(default = 0.0)]
    pub layer_norm: f64,
}

/// What SEVEN's first moment is the mean of.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum SevenMoment {
    /// `|g|`, as the paper's released code has it: bursts lower the score.
    Absolute,
    /// `g` with its sign: gradients that change sign lower the score too.
    Signed,
}

/// The SEVEN score: keeps *sentinels*, weights whose sensitivity is steadily high.
///
/// With `a = |g|` and `t` counting updates from 0:
///
/// ```text
/// m <- α1 m + (1 - α1) a          m̂ = m / (1 - α1^(t+1))
/// v <- α2 v + (1 - α2) a²         v̂ = v / (1 - α2^(t+1))
/// S <- S + | w · a · m̂ / (√v̂ + ε) |
/// ```
///
/// Moments, discount and discounted gradient that overflow float32 rest at its largest number.
/// `S` is never decayed; pruned weights do not return, and their statistics are 0.
///
/// See [SEVEN: Pruning Transformer Model by Reserving Sentinels](https://arxiv.org/abs/2403.12688).
#[derive(Clone, Debug)]
pub struct Seven {
    config: SevenScorerConfig,
}

/// [`Seven`] over a whole model.
pub type SevenScorer = ModuleScorer<Seven>;

/// Statistics of [`Seven`] for one weight.
#[derive(Clone, Debug, RecordState)]
pub struct SevenState {
    /// First moment `m`.
    pub moment_1: Tensor<1>,
    /// Second moment `v`.
    pub moment_2: Tensor<1>,
    /// The score `S`.
    pub score: Tensor<1>,
    /// `α1^(t+1)` after the last update, 1 before the first.
    pub decay_1: f64,
    /// `α2^(t+1)` after the last update, 1 before the first.
    pub decay_2: f64,
}

impl SevenScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Seven {
        Seven {
            config: self.clone(),
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> SevenScorer {
        self.build().into()
    }
}

impl Scorer for Seven {
    type State = SevenState;

    fn name(&self) -> &'static str {
        "seven"
    }

    fn validate(&self) -> Result<(), Error> {
        in_unit_interval("alpha_1", self.config.alpha_1)?;
        in_unit_interval("alpha_2", self.config.alpha_2)?;
        positive("epsilon", self.config.epsilon)?;
        match (0.0..=1.0).contains(&self.config.layer_norm) {
            true => Ok(()),
            false => Err(Error::OutOfRange {
                parameter: "layer_norm",
                value: self.config.layer_norm,
                allowed: "in [0, 1]",
            }),
        }
    }

    fn config(&self) -> serde_json::Value {
        config_of(&self.config)
    }

    fn never_nan(&self) -> bool {
        true
    }

    fn update(&self, state: Option<SevenState>, sample: &Sample<'_>) -> SevenState {
        let state = state.unwrap_or_else(|| SevenState {
            moment_1: sample.zeros(),
            moment_2: sample.zeros(),
            score: sample.zeros(),
            decay_1: 1.0,
            decay_2: 1.0,
        });
        let (mut step, decays) = self.step(state, sample.stored_weight(), sample.grad());
        step.pruned = sample.pruned().cloned();
        // What is counted is the sum itself.
        let count = self.config.layer_norm == 0.0;
        let updated = sample.seven(step, count);
        decays.with(updated.unwrap_or_else(|step| formula(*step)))
    }

    fn score(&self, state: &SevenState) -> Tensor<1> {
        let score = state.score.clone();
        match self.config.layer_norm {
            0.0 => score,
            gamma => {
                let mean = score.clone().mean().clamp(f32::MIN_POSITIVE, f32::MAX);
                score / mean.powf_scalar(gamma as f32)
            }
        }
    }
}

/// The scalars of the state after a step.
struct Decays(f64, f64);

impl Decays {
    fn with(self, tensors: SevenTensors) -> SevenState {
        SevenState {
            moment_1: tensors.moment_1,
            moment_2: tensors.moment_2,
            score: tensors.score,
            decay_1: self.0,
            decay_2: self.1,
        }
    }
}

impl Seven {
    /// What the update after `state` reads.
    fn step(&self, state: SevenState, weight: Tensor<1>, grad: Tensor<1>) -> (SevenStep, Decays) {
        let config = &self.config;
        let decays = Decays(
            state.decay_1 * config.alpha_1,
            state.decay_2 * config.alpha_2,
        );
        let step = SevenStep {
            rule: SevenRule {
                alpha_1: config.alpha_1,
                alpha_2: config.alpha_2,
                epsilon: config.epsilon,
                correction_1: 1.0 - decays.0,
                correction_2: 1.0 - decays.1,
                signed: config.moment == SevenMoment::Signed,
            },
            state: SevenTensors {
                moment_1: state.moment_1,
                moment_2: state.moment_2,
                score: state.score,
            },
            weight,
            grad,
            pruned: None,
        };
        (step, decays)
    }
}

/// The update in tensor operations: the reference for every kernel.
fn formula(step: SevenStep) -> SevenTensors {
    let SevenStep {
        rule,
        state,
        weight,
        grad,
        pruned,
    } = step;
    let a = grad.clone().abs();
    let first = if rule.signed { grad } else { a.clone() };
    // Whatever overflows rests at the largest number: infinity would make NaN with the next 0.
    let largest = f32::MAX;
    let m = state.moment_1.mul_scalar(rule.alpha_1) + first.mul_scalar(1.0 - rule.alpha_1);
    let m = m.clamp(-largest, largest);
    let v =
        state.moment_2.mul_scalar(rule.alpha_2) + a.clone().square().mul_scalar(1.0 - rule.alpha_2);
    let v = v.clamp_max(largest);

    let m_hat = m.clone().mul_scalar(1.0 / rule.correction_1);
    let m_hat = m_hat.abs().clamp_max(largest);
    let v_hat = v.clone().mul_scalar(1.0 / rule.correction_2);
    let steadiness = (m_hat / v_hat.sqrt().add_scalar(rule.epsilon)).clamp_max(largest);
    let discounted = (steadiness * a).clamp_max(largest);
    let score = state.score + (discounted * weight).abs();

    let rest = |tensor: Tensor<1>| match &pruned {
        Some(pruned) => tensor.mask_fill(pruned.clone(), 0.0),
        None => tensor,
    };
    SevenTensors {
        moment_1: rest(m),
        moment_2: rest(v),
        score: rest(score),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_refuses, assert_resumes, scores_after};

    // One weight, w = 2, g = 3: at t = 0 the bias correction makes m̂ = 3 and v̂ = 9, so the
    // discount is 1 and S = 2·3·1 = 6.
    #[test]
    fn the_first_step_is_plain_sensitivity() {
        let scores = scores_after(
            SevenScorerConfig::new().init(),
            &[(&[2.0, -2.0], &[3.0, -3.0])],
        );
        assert!((scores[0] - 6.0).abs() < 1e-5, "{scores:?}");
        assert!((scores[1] - 6.0).abs() < 1e-5, "{scores:?}");
    }

    // α1 = α2 = 0.5, w = 1, g = 1 then 3.
    // t = 0: S = 1.  t = 1: m = 0.25 + 1.5 = 1.75, m̂ = 1.75/0.75 = 7/3;
    // v = 0.25 + 4.5 = 4.75, v̂ = 19/3; S = 1 + 3·(7/3)/√(19/3) = 1 + 7/2.5166 = 3.78153.
    #[test]
    fn a_burst_is_discounted() {
        let config = SevenScorerConfig::new().with_alpha_1(0.5).with_alpha_2(0.5);
        let scores = scores_after(config.init(), &[(&[1.0], &[1.0]), (&[1.0], &[3.0])]);
        let expected = 1.0 + 7.0 / (19.0f32 / 3.0).sqrt();
        assert!((scores[0] - expected).abs() < 1e-5, "{scores:?} {expected}");
    }

    // The same with g = 1 then -1 and the signed moment: m = 0.25 - 0.5 = -0.25, m̂ = -1/3, v̂ = 1,
    // S = 1 + 1/3; with the absolute moment it is 2.
    #[test]
    fn the_signed_moment_discounts_changes_of_sign() {
        let config = SevenScorerConfig::new().with_alpha_1(0.5).with_alpha_2(0.5);
        let steps: &[(&[f32], &[f32])] = &[(&[1.0], &[1.0]), (&[1.0], &[-1.0])];
        let signed = config.clone().with_moment(SevenMoment::Signed);
        assert!((scores_after(signed.init(), steps)[0] - 4.0 / 3.0).abs() < 1e-5);
        assert!((scores_after(config.init(), steps)[0] - 2.0).abs() < 1e-5);
    }

    // The largest gradients, then none, with and without decay, on large weights and on 0.
    #[test]
    fn huge_gradients_overflow_to_no_nan() {
        let weights = [f32::MAX, 1.0, 0.0, 1e30];
        let huge = [f32::MAX, -f32::MAX, f32::MAX, 1e30];
        let mut steps: Vec<(&[f32], &[f32])> = vec![(&weights, &huge); 12];
        steps.extend(vec![(&weights[..], &[0.0; 4][..]); 3]);
        steps.push((&weights, &huge));
        for [alpha_1, alpha_2] in [[0.8, 0.9], [0.0, 0.0], [0.99, 0.0]] {
            for moment in [SevenMoment::Absolute, SevenMoment::Signed] {
                let config = SevenScorerConfig::new().with_moment(moment);
                let config = config.with_alpha_1(alpha_1).with_alpha_2(alpha_2);
                for count in 1..=steps.len() {
                    let scores = scores_after(config.init(), &steps[..count]);
                    assert!(scores.iter().all(|score| !score.is_nan()), "{scores:?}");
                }
            }
        }
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        assert_refuses(
            SevenScorerConfig::new().with_alpha_1(1.0).init(),
            "alpha_1",
            1.0,
        );
        assert_refuses(
            SevenScorerConfig::new().with_alpha_2(-0.1).init(),
            "alpha_2",
            -0.1,
        );
        assert_refuses(
            SevenScorerConfig::new().with_epsilon(0.0).init(),
            "epsilon",
            0.0,
        );
        assert_refuses(
            SevenScorerConfig::new().with_epsilon(1e-50).init(),
            "epsilon",
            1e-50,
        );
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(SevenScorerConfig::new().init());
    }
}
