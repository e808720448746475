//! GraSP: what pruning leaves of the gradient's flow.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{Gradient, ModuleScorer, Reads, Sample, Score, Scorer, config_of};
use crate::Error;
use crate::probe::check_epsilon;

/// Configuration of the [`GraspScorer`].
#[derive(Config, Debug)]
pub struct GraspScorerConfig {
    /// The size of the steps that Hessian-gradient products are differences over, relative to all
    /// selected weights together, in `(0, 1)`. Default: 0.0001
    #[config(default = 0.0001)]
    pub epsilon: f64,
    /// Whether the highest `|w · (H g)|` stay, which is reported to work better on trained models.
    /// Default: no
    #[config(default = false)]
    pub absolute: bool,
}

/// GraSP, `S = w · (H g)`, with `H` the Hessian of the loss and `g` its gradient; meant for one cut
/// before training.
///
/// `-w · (H g)` estimates how removing the weight changes the squared norm of the gradient, and the
/// paper removes the highest of it: the weights without which the gradient would flow best. So the
/// highest `w · (H g)` stay, with their sign. `H` and `g` are of the selected weights and of all
/// batches together: the mean gradient is taken first, then one product of it with the Hessian of
/// the mean loss.
///
/// The gradient is [`Gradient::HessianGradient`]: each batch costs three forward and backward
/// passes. The paper divides the logits by a temperature of 200 before the loss is taken; that is
/// done where the loss is, in `prune_before_training`'s closure. Pruned weights do not return. See
/// [Picking Winning Tickets Before Training by Preserving Gradient Flow](https://arxiv.org/abs/2002.07376),
/// equation 8 and algorithm 1.
#[derive(Clone, Debug)]
pub struct Grasp {
    config: GraspScorerConfig,
}

/// [`Grasp`] over a whole model.
pub type GraspScorer = ModuleScorer<Grasp>;

impl GraspScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Grasp {
        Grasp {
            config: self.clone(),
        }
    }

    /// The scorer of a whole model. Hyperparameters are checked when it is first used.
    pub fn init(&self) -> GraspScorer {
        self.build().into()
    }
}

impl Scorer for Grasp {
    type State = Score;

    fn name(&self) -> &'static str {
        "grasp"
    }

    fn validate(&self) -> Result<(), Error> {
        check_epsilon(self.config.epsilon)
    }

    fn config(&self) -> serde_json::Value {
        config_of(&self.config)
    }

    fn reads(&self) -> Reads {
        Reads::gradient_of(Gradient::HessianGradient {
            epsilon: self.config.epsilon,
        })
    }

    fn update(&self, _: Option<Score>, sample: &Sample<'_>) -> Score {
        let score = sample.weight() * sample.grad();
        Score::from(match self.config.absolute {
            true => score.abs(),
            false => score,
        })
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_refuses, assert_resumes, scores_after};

    // 2·(-1) = -2 and -1·2 = -2 of the last product: the sign counts, unless it is not to.
    #[test]
    fn the_score_is_the_last_product_with_its_sign() {
        let steps: &[(&[f32], &[f32])] =
            &[(&[2.0, -1.0], &[3.0, 1.0]), (&[2.0, -1.0], &[-1.0, 2.0])];
        let scorer = GraspScorerConfig::new().init();
        assert_eq!(scores_after(scorer, steps), [-2.0, -2.0]);
        let absolute = GraspScorerConfig::new().with_absolute(true).init();
        assert_eq!(scores_after(absolute, steps), [2.0, 2.0]);
    }

    #[test]
    fn bad_hyperparameters_are_refused_by_name() {
        for bad in [0.0, -0.1, 1.0, 1e-60, f64::INFINITY] {
            let scorer = GraspScorerConfig::new().with_epsilon(bad).init();
            assert_refuses(scorer, "epsilon", bad);
        }
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(GraspScorerConfig::new().init());
    }
}
