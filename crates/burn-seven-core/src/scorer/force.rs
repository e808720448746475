//! FORCE: what the weights would matter at the pruned model, also the pruned ones.

use burn::config::Config;
use burn::tensor::Tensor;

use super::base::at_least_one;
use super::{ModuleScorer, RoundState, Scorer};
use crate::Error;

/// Configuration of the [`ForceScorer`].
#[derive(Config, Debug)]
pub struct ForceScorerConfig {
    /// Batches over which the gradient is averaged (one round), at least 1. Default: 1
    #[config(default = 1)]
    pub window: usize,
}

/// FORCE, `S = |w · ḡ|` of the dense weight, with `ḡ` the mean gradient over a window of batches,
/// taken at the pruned model but not blocked by the mask; meant for the rounds before training of
/// an [`ExponentialSchedule`](crate::ExponentialSchedule) whose interval is the window.
///
/// The score changes at the end of each window; before the first one ends it is that of the mean so
/// far. Pruned weights may return, which is all that tells it from
/// [`IterativeSnip`](super::IterativeSnip). See
/// [Progressive Skeletonization: Trimming more fat from a network at initialization](https://arxiv.org/abs/2006.09081),
/// section 4.
#[derive(Clone, Debug)]
pub struct Force {
    config: ForceScorerConfig,
}

/// [`Force`] over a whole model.
pub type ForceScorer = ModuleScorer<Force>;

impl ForceScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Force {
        Force {
            config: self.clone(),
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> ForceScorer {
        self.build().into()
    }
}

impl Scorer for Force {
    type State = RoundState;

    fn name(&self) -> &'static str {
        "force"
    }

    fn validate(&self) -> Result<(), Error> {
        at_least_one("window", self.config.window)
    }

    fn hyperparameters(&self) -> Vec<(&'static str, f64)> {
        vec![("window", self.config.window as f64)]
    }

    fn returns(&self) -> bool {
        true
    }

    fn init(&self, weight: &Tensor<1>, _index: usize) -> RoundState {
        RoundState::new(weight)
    }

    fn update(&self, state: RoundState, weight: Tensor<1>, grad: Tensor<1>) -> RoundState {
        state.update(weight, grad, self.config.window)
    }

    fn score(&self, state: &RoundState) -> Tensor<1> {
        state.score.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_refuses, assert_resumes, scores_after};

    // A window of 2: |2·3| = 6 so far; |2·(3 - 1)/2| = 2 at its end; another batch changes nothing.
    #[test]
    fn the_score_is_that_of_the_mean_gradient_of_the_last_whole_window() {
        let steps: &[(&[f32], &[f32])] = &[(&[2.0], &[3.0]), (&[2.0], &[-1.0]), (&[2.0], &[9.0])];
        let expected = [[6.0], [2.0], [2.0]];
        for (count, expected) in (1..).zip(expected) {
            let scorer = ForceScorerConfig::new().with_window(2).init();
            assert_eq!(scores_after(scorer, &steps[..count]), expected);
        }
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        let scorer = ForceScorerConfig::new().with_window(0).init();
        assert_refuses(scorer, "window", 0.0);
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(ForceScorerConfig::new().with_window(3).init());
    }
}
