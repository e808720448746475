//! Random: the baseline that every scorer should beat.

use burn::config::Config;
use burn::tensor::{DType, Tensor, TensorData};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{ModuleScorer, Reads, Sample, Score, Scorer, config_of};

/// Configuration of the [`RandomScorer`].
#[derive(Config, Debug)]
pub struct RandomScorerConfig {
    /// The seed of the noise. Default: 0
    #[config(default = 0)]
    pub seed: u64,
}

/// Uniform noise in `[0, 1)`, drawn once a weight, so that masks of rising sparsity are nested.
///
/// The noise is drawn on the host: a seed gives the same masks on every backend. It is part of the
/// state, so records hold it. Needs no gradient; pruned weights do not return.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
}

/// [`Random`] over a whole model.
pub type RandomScorer = ModuleScorer<Random>;

impl RandomScorerConfig {
    /// The rule alone.
    pub fn build(&self) -> Random {
        Random { seed: self.seed }
    }

    /// The scorer of a whole model.
    pub fn init(&self) -> RandomScorer {
        self.build().into()
    }
}

impl Scorer for Random {
    type State = Score;

    fn name(&self) -> &'static str {
        "random"
    }

    fn reads(&self) -> Reads {
        Reads::weight()
    }

    fn config(&self) -> serde_json::Value {
        config_of(&RandomScorerConfig { seed: self.seed })
    }

    fn never_nan(&self) -> bool {
        true
    }

    fn update(&self, state: Option<Score>, sample: &Sample<'_>) -> Score {
        state.unwrap_or_else(|| Score::from(noise(self.seed, sample)))
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone()
    }
}

/// Uniform numbers in `[0, 1)`, one for each entry, shape `[n]`.
pub(super) fn noise(seed: u64, sample: &Sample<'_>) -> Tensor<1> {
    // One stream a weight, so that adding a layer leaves the others' noise alone.
    let seeds = StdRng::seed_from_u64(seed).random::<u64>();
    let mut rng = StdRng::seed_from_u64(seeds.wrapping_add(sample.index() as u64));
    let weight = sample.description();
    let noise: Vec<f32> = (0..weight.count()).map(|_| rng.random()).collect();
    let data = TensorData::new(noise, [weight.count()]);
    Tensor::from_data(data, (weight.device(), DType::F32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::{assert_resumes, scores_after};

    #[test]
    fn the_seed_fixes_the_noise_and_steps_do_not_change_it() {
        let weights = [0.0; 100];
        let once: &[(&[f32], &[f32])] = &[(&weights, &weights)];
        let twice: &[(&[f32], &[f32])] = &[(&weights, &weights), (&weights, &weights)];
        let seven = RandomScorerConfig::new().with_seed(7);
        let noise = scores_after(seven.init(), once);

        assert_eq!(noise, scores_after(seven.init(), twice));
        assert_ne!(noise, scores_after(RandomScorerConfig::new().init(), once));
        assert!(noise.iter().all(|value| (0.0..1.0).contains(value)));
        let mean = noise.iter().sum::<f32>() / 100.0;
        assert!((0.35..0.65).contains(&mean), "{mean}");
    }

    #[test]
    fn a_resumed_scorer_continues_bit_for_bit() {
        assert_resumes(RandomScorerConfig::new().init());
    }
}
