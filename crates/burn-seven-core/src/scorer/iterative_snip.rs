//! Iterative SNIP: sensitivity at the pruned model, round by round.

use burn::config::Config;
use burn::tensor::Tensor;

use super::base::at_least_one;
use super::{ModuleScorer, RoundState, Scorer};
use crate::Error;

/// Configuration of the [`IterativeSnipScorer`].
#[derive(Config, Debug)]
pub struct IterativeSnipScorerConfig {
    /// Batches over which the gradient is averaged (one round), at least 1. Default: 1
    #[config(default = 1)]
    pub window: usize,
}

/// Iterative SNIP, `S = |w · ḡ|`, with `ḡ` the mean gradient of the pruned model over a window of
/// batches; meant for the rounds before training of an
/// [`ExponentialSchedule`](crate::ExponentialSchedule) whose interval is the window.
///
/// The score changes at the end of each window; before the first one ends it is that of the mean so
/// far. Pruned weights do not return. See
/// [Progressive Skeletonization: Trimming more fat from a network at initialization](https://arxiv.org/abs/2006.09081),
/// section 4.
#[derive(Clone, Debug)]
pub struct IterativeSnip {
    config: IterativeSnipScorerConfig,
}

/// [`IterativeSnip`] over a whole model.
pub type IterativeSnipScorer = ModuleScorer<IterativeSnip>;

impl IterativeSnipScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> IterativeSnip {
        IterativeSnip {
            config: self.clone(),
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> IterativeSnipScorer {
        self.build().into()
    }
}

impl Scorer for IterativeSnip {
    type State = RoundState;

    fn name(&self) -> &'static str {
        "iterative_snip"
    }

    fn validate(&self) -> Result<(), Error> {
        at_least_one("window", self.config.window)
    }

    fn hyperparameters(&self) -> Vec<(&'static str, f64)> {
        vec![("window", self.config.window as f64)]
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

    type Steps<'a> = &'a [(&'a [f32], &'a [f32])];

    // A window of 1 is SNIP of the last batch.
    #[test]
    fn every_batch_is_a_round_by_default() {
        let steps: Steps = &[(&[2.0, -1.0], &[3.0, 9.0]), (&[2.0, -1.0], &[-1.0, 4.0])];
        let scorer = IterativeSnipScorerConfig::new().init();
        assert_eq!(scores_after(scorer, steps), [2.0, 4.0]);
    }

    // A window of 2, w = (2, -1): the means so far are (3, 9), then (1, 5), which ends the window;
    // (5, 7) alone changes nothing; with (-3, 1) its mean is (1, 4). Opposite gradients cancel
    // before the absolute value is taken.
    #[test]
    fn the_score_is_that_of_the_mean_gradient_of_the_last_whole_window() {
        let w: &[f32] = &[2.0, -1.0];
        let steps: Steps = &[
            (w, &[3.0, 9.0]),
            (w, &[-1.0, 1.0]),
            (w, &[5.0, 7.0]),
            (w, &[-3.0, 1.0]),
        ];
        let expected = [[6.0, 9.0], [2.0, 5.0], [2.0, 5.0], [2.0, 4.0]];
        for (count, expected) in (1..).zip(expected) {
            let scorer = IterativeSnipScorerConfig::new().with_window(2).init();
            assert_eq!(scores_after(scorer, &steps[..count]), expected);
        }
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        let scorer = IterativeSnipScorerConfig::new().with_window(0).init();
        assert_refuses(scorer, "window", 0.0);
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(IterativeSnipScorerConfig::new().with_window(3).init());
    }
}
