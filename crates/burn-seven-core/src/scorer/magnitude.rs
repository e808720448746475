//! Magnitude: large weights stay.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{ModuleScorer, Reads, Sample, Score, Scorer};

/// Configuration of the [`MagnitudeScorer`].
#[derive(Config, Debug)]
pub struct MagnitudeScorerConfig {}

/// Magnitude, `S = |w|`. Needs no gradient, so it also prunes frozen weights.
///
/// Pruned weights do not return. See
/// [Learning both Weights and Connections for Efficient Neural Networks](https://arxiv.org/abs/1506.02626)
/// and, for the gradual schedule, [To prune, or not to prune](https://arxiv.org/abs/1710.01878).
#[derive(Clone, Debug)]
pub struct Magnitude;

/// [`Magnitude`] over a whole model.
pub type MagnitudeScorer = ModuleScorer<Magnitude>;

impl MagnitudeScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Magnitude {
        Magnitude
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> MagnitudeScorer {
        self.build().into()
    }
}

impl Scorer for Magnitude {
    type State = Score;

    fn name(&self) -> &'static str {
        "magnitude"
    }

    fn reads(&self) -> Reads {
        Reads::weight()
    }

    fn never_nan(&self) -> bool {
        true
    }

    fn update(&self, _: Option<Score>, sample: &Sample<'_>) -> Score {
        Score::from(sample.stored_weight().abs())
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_resumes, scores_after};

    #[test]
    fn the_score_is_the_absolute_weight_now() {
        let steps: &[(&[f32], &[f32])] = &[(&[9.0, 9.0], &[1.0, 1.0]), (&[2.0, -3.0], &[0.0, 7.0])];
        assert_eq!(
            scores_after(MagnitudeScorerConfig::new().init(), steps),
            [2.0, 3.0]
        );
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(MagnitudeScorerConfig::new().init());
    }
}
