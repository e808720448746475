//! Accumulated sensitivity: SEVEN without its discount.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{ModuleScorer, Sample, Score, Scorer};

/// Configuration of the [`SensitivityScorer`].
#[derive(Config, Debug)]
pub struct SensitivityScorerConfig {}

/// Accumulated sensitivity, `S <- S + |w · g|`: SEVEN without its discount, its ablation.
///
/// Pruned weights do not return. See the ablation in
/// [SEVEN: Pruning Transformer Model by Reserving Sentinels](https://arxiv.org/abs/2403.12688).
#[derive(Clone, Debug)]
pub struct Sensitivity;

/// [`Sensitivity`] over a whole model.
pub type SensitivityScorer = ModuleScorer<Sensitivity>;

impl SensitivityScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Sensitivity {
        Sensitivity
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> SensitivityScorer {
        self.build().into()
    }
}

impl Scorer for Sensitivity {
    type State = Score;

    fn name(&self) -> &'static str {
        "sensitivity"
    }

    fn never_nan(&self) -> bool {
        true
    }

    fn update(&self, state: Option<Score>, sample: &Sample<'_>) -> Score {
        let sensitivity = (sample.stored_weight() * sample.grad()).abs();
        Score::from(match state {
            Some(state) => state.value + sensitivity,
            None => sensitivity,
        })
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_resumes, scores_after};

    // |2·3| + |2·-1| = 8 and |-1·1| + |-1·1| = 2.
    #[test]
    fn sensitivities_add_up_without_their_sign() {
        let steps: &[(&[f32], &[f32])] =
            &[(&[2.0, -1.0], &[3.0, 1.0]), (&[2.0, -1.0], &[-1.0, 1.0])];
        assert_eq!(
            scores_after(SensitivityScorerConfig::new().init(), steps),
            [8.0, 2.0]
        );
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(SensitivityScorerConfig::new().init());
    }
}
