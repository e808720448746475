//! SNIP, iterative SNIP and FORCE: one rule, how much the loss would change without a weight.

use burn::config::Config;
use burn::tensor::Tensor;

use super::base::at_least_one;
use super::{ModuleScorer, Regrowth, Sample, Scorer, config_of};
use crate::{Error, RecordState};

/// Configuration of the [`SnipScorer`] as SNIP, `S = |w · g|` of the last batch; meant for one cut
/// before training.
///
/// Pruned weights do not return. See
/// [SNIP: Single-shot Network Pruning based on Connection Sensitivity](https://arxiv.org/abs/1810.02340).
#[derive(Config, Debug)]
pub struct SnipScorerConfig {}

/// Configuration of the [`SnipScorer`] as iterative SNIP, meant for the rounds before training of an
/// [`ExponentialSchedule`](crate::ExponentialSchedule) whose interval is the window.
///
/// Pruned weights do not return. See
/// [Progressive Skeletonization: Trimming more fat from a network at initialization](https://arxiv.org/abs/2006.09081),
/// section 4.
#[derive(Config, Debug)]
pub struct IterativeSnipScorerConfig {
    /// Batches over which the gradient is averaged (one round), at least 1. Default: 1
    #[config(default = 1)]
    pub window: usize,
}

/// Configuration of the [`SnipScorer`] as FORCE, meant for the rounds before training of an
/// [`ExponentialSchedule`](crate::ExponentialSchedule) whose interval is the window.
///
/// The gradient is taken at the pruned model but not blocked by the mask, and pruned weights may
/// return, which is all that tells it from iterative SNIP; see its source.
#[derive(Config, Debug)]
pub struct ForceScorerConfig {
    /// Batches over which the gradient is averaged (one round), at least 1. Default: 1
    #[config(default = 1)]
    pub window: usize,
}

/// `S = |w · ḡ|`, with `ḡ` the mean gradient of the pruned model over a window of batches.
///
/// The score changes at the end of each window; before the first one ends it is that of the mean so
/// far. Its three names are those of [`SnipScorerConfig`], [`IterativeSnipScorerConfig`] and
/// [`ForceScorerConfig`].
#[derive(Clone, Debug)]
pub struct Snip {
    name: &'static str,
    window: usize,
    regrowth: Regrowth,
}

/// [`Snip`] over a whole model.
pub type SnipScorer = ModuleScorer<Snip>;

/// Statistics of [`Snip`] for one weight.
#[derive(Clone, Debug, RecordState)]
pub struct SnipState {
    /// The sum of gradients of the window so far; none where each batch is a window.
    pub sum: Option<Tensor<1>>,
    /// How many batches that is.
    pub batches: usize,
    /// The score of the last whole window, or of the first so far.
    pub score: Tensor<1>,
    /// How many windows ended.
    pub windows: usize,
}

impl SnipScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Snip {
        Snip {
            name: "snip",
            window: 1,
            regrowth: Regrowth::Never,
        }
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> SnipScorer {
        self.build().into()
    }
}

impl IterativeSnipScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Snip {
        Snip {
            name: "iterative_snip",
            window: self.window,
            regrowth: Regrowth::Never,
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> SnipScorer {
        self.build().into()
    }
}

impl ForceScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Snip {
        Snip {
            name: "force",
            window: self.window,
            regrowth: Regrowth::WithOldValue,
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> SnipScorer {
        self.build().into()
    }
}

impl Scorer for Snip {
    type State = SnipState;

    fn name(&self) -> &'static str {
        self.name
    }

    fn validate(&self) -> Result<(), Error> {
        at_least_one("window", self.window)
    }

    fn config(&self) -> serde_json::Value {
        config_of(&IterativeSnipScorerConfig {
            window: self.window,
        })
    }

    fn regrowth(&self) -> Regrowth {
        self.regrowth
    }

    fn never_nan(&self) -> bool {
        self.window == 1
    }

    fn update(&self, state: Option<SnipState>, sample: &Sample<'_>) -> SnipState {
        let (sum, batches, score, windows) = match state {
            Some(state) => (state.sum, state.batches, Some(state.score), state.windows),
            None => (None, 0, None, 0),
        };
        let grad = sample.grad();
        let sum = match sum {
            Some(sum) => sum + grad,
            None => grad,
        };
        let batches = batches.saturating_add(1);
        let ended = batches >= self.window;
        let score = match score {
            Some(score) if !ended && windows > 0 => score,
            _ => {
                let weight = match self.regrowth.is_possible() {
                    true => sample.weight(),
                    false => sample.stored_weight(),
                };
                (weight * sum.clone().div_scalar(batches as f64)).abs()
            }
        };
        SnipState {
            sum: (!ended).then_some(sum),
            batches: if ended { 0 } else { batches },
            score,
            windows: windows.saturating_add(usize::from(ended)),
        }
    }

    fn score(&self, state: &SnipState) -> Tensor<1> {
        state.score.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_refuses, assert_resumes, scores_after};

    type Steps<'a> = &'a [(&'a [f32], &'a [f32])];

    #[test]
    fn of_snip_only_the_last_batch_counts() {
        let steps: Steps = &[(&[2.0, -1.0], &[3.0, 9.0]), (&[2.0, -1.0], &[-1.0, 4.0])];
        for scorer in [
            SnipScorerConfig::new().init(),
            IterativeSnipScorerConfig::new().init(),
            ForceScorerConfig::new().init(),
        ] {
            assert_eq!(scores_after(scorer, steps), [2.0, 4.0]);
        }
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
            let iterative = IterativeSnipScorerConfig::new().with_window(2).init();
            assert_eq!(scores_after(iterative, &steps[..count]), expected);
            let force = ForceScorerConfig::new().with_window(2).init();
            assert_eq!(scores_after(force, &steps[..count]), expected);
        }
    }

    #[test]
    fn the_three_differ_in_name_and_regrowth_alone() {
        let rules = [
            SnipScorerConfig::new().build(),
            IterativeSnipScorerConfig::new().build(),
            ForceScorerConfig::new().build(),
        ];
        let names = rules.clone().map(|rule| rule.name());
        assert_eq!(names, ["snip", "iterative_snip", "force"]);
        let regrow = rules.map(|rule| rule.regrowth().is_possible());
        assert_eq!(regrow, [false, false, true]);
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        let scorer = IterativeSnipScorerConfig::new().with_window(0).init();
        assert_refuses(scorer, "window", 0.0);
        let scorer = ForceScorerConfig::new().with_window(0).init();
        assert_refuses(scorer, "window", 0.0);
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(SnipScorerConfig::new().init());
        assert_resumes(IterativeSnipScorerConfig::new().with_window(3).init());
        assert_resumes(ForceScorerConfig::new().with_window(3).init());
    }
}
