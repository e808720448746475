//! RigL and SET: drop the smallest weights, grow others in their place.

use burn::config::Config;
use burn::tensor::Tensor;

use super::random::noise;
use super::{ModuleScorer, Reads, Regrowth, Sample, Scorer, config_of};
use crate::RecordState;

/// Configuration of the [`RiglScorer`] as RigL: pruned weights grow back where the dense gradient is
/// largest.
///
/// See [Rigging the Lottery: Making All Tickets Winners](https://arxiv.org/abs/1911.11134).
#[derive(Config, Debug)]
pub struct RiglScorerConfig {}

/// Configuration of the [`RiglScorer`] as SET: pruned weights grow back at random.
///
/// See [Scalable training of artificial neural networks with adaptive sparse connectivity](https://arxiv.org/abs/1707.04780).
#[derive(Config, Debug)]
pub struct SetScorerConfig {
    /// The seed of the noise. Default: 0
    #[config(default = 0)]
    pub seed: u64,
}

/// `S = |w|` for what is dropped; `|g|` of the last batch (RigL) or noise (SET) for what grows.
///
/// It is for a pruner that [drops and grows](crate::PrunerConfig::with_drop_and_grow) at constant
/// sparsity. A weight that grows starts from 0.
///
/// ```
/// # use burn::{nn::LinearConfig, tensor::Device};
/// # use burn_seven_core::*;
/// # fn main() -> Result<(), Error> {
/// # let device = Device::default().autodiff();
/// # let model = LinearConfig::new(32, 32).init(&device);
/// let schedule = ConstantSchedule::new(0..750, Sparsity::new(0.9)?).with_interval(100);
/// let pruner = PrunerConfig::new(schedule)
///     .with_budget(ErkBudget)
///     .with_sparse_start(0)                                 // random masks, by this seed
///     .with_drop_and_grow(DropAndGrow::new())               // 0.3 of what is kept, falling to 0
///     .init(RiglScorerConfig::new().init(), &model)?;
/// # assert_eq!(pruner.masks().kept(), 102);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rigl {
    /// The seed of the noise that it grows by, or none to grow by the gradient.
    seed: Option<u64>,
}

/// [`Rigl`] over a whole model.
pub type RiglScorer = ModuleScorer<Rigl>;

/// Statistics of [`Rigl`] for one weight.
#[derive(Clone, Debug, RecordState)]
pub struct RiglState {
    /// What to keep the highest of.
    pub score: Tensor<1>,
    /// What to grow the highest of.
    pub growth: Tensor<1>,
    /// How many updates there were.
    pub steps: usize,
}

impl RiglScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Rigl {
        Rigl { seed: None }
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> RiglScorer {
        self.build().into()
    }
}

impl SetScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Rigl {
        Rigl {
            seed: Some(self.seed),
        }
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> RiglScorer {
        self.build().into()
    }
}

impl Scorer for Rigl {
    type State = RiglState;

    fn name(&self) -> &'static str {
        match self.seed {
            None => "rigl",
            Some(_) => "set",
        }
    }

    fn config(&self) -> serde_json::Value {
        match self.seed {
            None => config_of(&RiglScorerConfig {}),
            Some(seed) => config_of(&SetScorerConfig { seed }),
        }
    }

    fn reads(&self) -> Reads {
        match self.seed {
            None => Reads::default(),
            Some(_) => Reads::weight(),
        }
    }

    fn regrowth(&self) -> Regrowth {
        Regrowth::FromZero
    }

    fn never_nan(&self) -> bool {
        true
    }

    fn update(&self, state: Option<RiglState>, sample: &Sample<'_>) -> RiglState {
        let steps = state.map_or(0, |state| state.steps);
        let growth = match self.seed {
            None => sample.grad().abs(),
            Some(seed) => noise(seed.wrapping_add(steps as u64), sample),
        };
        RiglState {
            score: sample.weight().abs(),
            growth,
            steps: steps.saturating_add(1),
        }
    }

    fn score(&self, state: &RiglState) -> Tensor<1> {
        state.score.clone()
    }

    fn growth(&self, state: &RiglState) -> Option<Tensor<1>> {
        Some(state.growth.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_resumes, one_weight, scores_after};

    #[test]
    fn it_keeps_by_magnitude_and_grows_by_the_gradient() {
        let steps: &[(&[f32], &[f32])] = &[(&[2.0, -3.0], &[5.0, -7.0])];
        let mut scorer = RiglScorerConfig::new().init();
        assert_eq!(scores_after(scorer.clone(), steps), [2.0, 3.0]);
        scorer.update(&one_weight(&[2.0, -3.0], &[5.0, -7.0])).unwrap();
        let growth = scorer.state("weight").unwrap().growth.clone();
        assert_eq!(growth.try_to_vec_as::<f32>().unwrap(), [5.0, 7.0]);
    }

    #[test]
    fn set_draws_new_noise_each_time_and_the_same_again() {
        let noise_after = |steps| {
            let mut scorer = SetScorerConfig::new().with_seed(3).init();
            for _ in 0..steps {
                scorer.update(&one_weight(&[1.0; 8], &[0.0; 8])).unwrap();
            }
            let growth = scorer.state("weight").unwrap().growth.clone();
            growth.try_to_vec_as::<f32>().unwrap()
        };
        assert_eq!(noise_after(2), noise_after(2));
        assert_ne!(noise_after(1), noise_after(2));
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(RiglScorerConfig::new().init());
        assert_resumes(SetScorerConfig::new().init());
    }
}
