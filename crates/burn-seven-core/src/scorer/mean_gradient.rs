//! The mean gradient: SEVEN's signed moment with an infinite memory.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{ModuleScorer, Sample, Scorer};
use crate::RecordState;

/// Configuration of the [`MeanGradientScorer`].
#[derive(Config, Debug)]
pub struct MeanGradientScorerConfig {}

/// `S = |w · Σ g|`: gradients that change sign cancel for good, where [`Seven`](super::Seven) with
/// the signed moment forgets them.
///
/// A variant of SEVEN for pruning before training, not of a paper: warm up a new head first, else
/// the gradients say little. Pruned weights do not return.
#[derive(Clone, Debug)]
pub struct MeanGradient;

/// [`MeanGradient`] over a whole model.
pub type MeanGradientScorer = ModuleScorer<MeanGradient>;

/// Statistics of [`MeanGradient`] for one weight.
#[derive(Clone, Debug, RecordState)]
pub struct MeanGradientState {
    /// The sum of gradients.
    pub sum: Tensor<1>,
    /// The score, by the last weight.
    pub score: Tensor<1>,
}

impl MeanGradientScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> MeanGradient {
        MeanGradient
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> MeanGradientScorer {
        self.build().into()
    }
}

impl Scorer for MeanGradient {
    type State = MeanGradientState;

    fn name(&self) -> &'static str {
        "mean_gradient"
    }

    fn update(&self, state: Option<MeanGradientState>, sample: &Sample<'_>) -> MeanGradientState {
        let sum = match state {
            Some(state) => state.sum + sample.grad(),
            None => sample.grad(),
        };
        let score = (sample.stored_weight() * sum.clone()).abs();
        MeanGradientState { sum, score }
    }

    fn score(&self, state: &MeanGradientState) -> Tensor<1> {
        state.score.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_resumes, scores_after};

    // |2·(3 - 1)| = 4 and |-3·(1 + 1)| = 6, by the weights of the second step.
    #[test]
    fn opposite_gradients_cancel() {
        let steps: &[(&[f32], &[f32])] = &[(&[9.0, 9.0], &[3.0, 1.0]), (&[2.0, -3.0], &[-1.0, 1.0])];
        let scorer = MeanGradientScorerConfig::new().init();
        assert_eq!(scores_after(scorer, steps), [4.0, 6.0]);
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(MeanGradientScorerConfig::new().init());
    }
}
