//! SNIP: sensitivity of one batch.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{ModuleScorer, Score, Scorer};

/// Configuration of the [`SnipScorer`].
#[derive(Config, Debug)]
pub struct SnipScorerConfig {}

/// SNIP, `S = |w · g|` of the last batch; meant for one cut before training.
///
/// Pruned weights do not return. See
/// [SNIP: Single-shot Network Pruning based on Connection Sensitivity](https://arxiv.org/abs/1810.02340).
#[derive(Clone, Debug)]
pub struct Snip;

/// [`Snip`] over a whole model.
pub type SnipScorer = ModuleScorer<Snip>;

impl SnipScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Snip {
        Snip
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> SnipScorer {
        self.build().into()
    }
}

impl Scorer for Snip {
    type State = Score;

    fn name(&self) -> &'static str {
        "snip"
    }

    fn elementwise(&self) -> bool {
        true
    }

    fn never_nan(&self) -> bool {
        true
    }

    fn init(&self, weight: &Tensor<1>, _index: usize) -> Score {
        Score::zeros(weight)
    }

    fn update(&self, _state: Score, weight: Tensor<1>, grad: Tensor<1>) -> Score {
        Score {
            value: (weight * grad).abs(),
        }
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
    fn only_the_last_batch_counts() {
        let steps: &[(&[f32], &[f32])] =
            &[(&[2.0, -1.0], &[3.0, 9.0]), (&[2.0, -1.0], &[-1.0, 4.0])];
        assert_eq!(
            scores_after(SnipScorerConfig::new().init(), steps),
            [2.0, 4.0]
        );
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(SnipScorerConfig::new().init());
    }
}
