//! Movement: weights that move away from zero stay.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{ModuleScorer, Score, Scorer};

/// Configuration of the [`MovementScorer`].
#[derive(Config, Debug)]
pub struct MovementScorerConfig {}

/// Movement, `S <- S - w · g` with its sign, and the dense straight-through gradient.
///
/// Pruned weights keep their stored value and their gradient, and may return. See
/// [Movement Pruning: Adaptive Sparsity by Fine-Tuning](https://arxiv.org/abs/2005.07683), table 1.
#[derive(Clone, Debug)]
pub struct Movement;

/// [`Movement`] over a whole model.
pub type MovementScorer = ModuleScorer<Movement>;

impl MovementScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Movement {
        Movement
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> MovementScorer {
        self.build().into()
    }
}

impl Scorer for Movement {
    type State = Score;

    fn name(&self) -> &'static str {
        "movement"
    }

    fn returns(&self) -> bool {
        true
    }

    fn init(&self, weight: &Tensor<1>, _index: usize) -> Score {
        Score::zeros(weight)
    }

    fn update(&self, state: Score, weight: Tensor<1>, grad: Tensor<1>) -> Score {
        Score {
            value: state.value - weight * grad,
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

    // -(2·3) - (2·-1) = -4; -(-1·1) - (-1·2) = 3: the second weight grows away from zero.
    #[test]
    fn movement_away_from_zero_scores_high() {
        let steps: &[(&[f32], &[f32])] =
            &[(&[2.0, -1.0], &[3.0, 1.0]), (&[2.0, -1.0], &[-1.0, 2.0])];
        assert_eq!(
            scores_after(MovementScorerConfig::new().init(), steps),
            [-4.0, 3.0]
        );
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(MovementScorerConfig::new().init());
    }
}
