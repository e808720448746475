//! SynFlow: the flow through a weight, without data.

use burn::config::Config;
use burn::tensor::Tensor;

use super::{Gradient, ModuleScorer, Reads, Sample, Score, Scorer};

/// Configuration of the [`SynflowScorer`].
#[derive(Config, Debug)]
pub struct SynflowScorerConfig {}

/// SynFlow, `S = |θ · ∂R/∂θ|` at `|θ|`, with `R` the sum of the outputs for an input of ones; meant
/// for 100 rounds of an [`ExponentialSchedule`](crate::ExponentialSchedule) before training.
///
/// It needs no data. `R` stands in for the loss, and the input of ones for each batch (where the
/// input is text, ones in the place of the embeddings):
///
/// ```
/// # use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
/// # use burn_seven_core::*;
/// # #[derive(Module, Debug)]
/// # struct Model { linear: Linear }
/// # impl Model {
/// #     fn forward(&self, batch: Tensor<2>) -> Tensor<2> { self.linear.forward(batch) }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = Device::default().autodiff();
/// # let model = Model { linear: LinearConfig::new(4, 4).init(&device) };
/// let schedule = ExponentialSchedule::new(0..100, Sparsity::new(0.9)?);
/// let mut pruner = PrunerConfig::new(schedule).init(SynflowScorerConfig::new().init(), &model)?;
/// let ones = vec![Tensor::<2>::ones([1, 4], &device); 100];
/// let model = pruner.prune_before_training(model, ones, |model, ones| model.forward(ones).sum())?;
/// # let _ = model;
/// # Ok(())
/// # }
/// ```
///
/// The gradient is [`Gradient::AbsoluteWeights`]: that of a copy of the model in which all
/// parameters are positive, biases and norms too, and that behaves as outside training: no dropout,
/// and running statistics where there are any, as the paper has it. Pruned weights do not return. See
/// [Pruning neural networks without any data by iteratively conserving synaptic flow](https://arxiv.org/abs/2006.05467),
/// algorithm 1.
#[derive(Clone, Debug)]
pub struct Synflow;

/// [`Synflow`] over a whole model.
pub type SynflowScorer = ModuleScorer<Synflow>;

impl SynflowScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Synflow {
        Synflow
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> SynflowScorer {
        self.build().into()
    }
}

impl Scorer for Synflow {
    type State = Score;

    fn name(&self) -> &'static str {
        "synflow"
    }

    fn reads(&self) -> Reads {
        Reads::gradient_of(Gradient::AbsoluteWeights)
    }

    fn never_nan(&self) -> bool {
        true
    }

    fn update(&self, _: Option<Score>, sample: &Sample<'_>) -> Score {
        Score::from((sample.stored_weight() * sample.grad()).abs())
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
    fn only_the_last_round_counts() {
        let steps: &[(&[f32], &[f32])] =
            &[(&[2.0, -1.0], &[3.0, 9.0]), (&[2.0, -1.0], &[1.0, 4.0])];
        let scorer = SynflowScorerConfig::new().init();
        assert_eq!(scores_after(scorer, steps), [2.0, 4.0]);
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(SynflowScorerConfig::new().init());
    }
}
