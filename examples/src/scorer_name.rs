//! The scorers by name, for command lines and results files.

use burn::module::Module;
use burn_seven::scorer::{AnyScorer, MovementRule, SevenMoment};
use burn_seven::{
    CubicSchedule, Error, ExponentialSchedule, Floor, GlobalBudget, MovementScorerConfig,
    OneShotSchedule, Pruner, PrunerConfig, RandomScorerConfig, SevenScorerConfig, Sparsity,
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The scorers to choose from.
#[derive(
    ValueEnum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ScorerName {
    /// SEVEN, as the paper has it
    Seven,
    /// SEVEN with the signed first moment
    SevenSigned,
    /// Accumulated sensitivity
    Sensitivity,
    /// Sensitivity of one batch; before training in one cut
    Snip,
    /// SNIP in rounds of an exponential schedule; before training only
    IterativeSnip,
    /// Iterative SNIP whose pruned weights may return; before training only
    Force,
    /// Gradient signal preservation; before training only, in one cut
    Grasp,
    /// Synaptic flow; before training only
    Synflow,
    /// Absolute weights
    Magnitude,
    /// Movement away from zero; while training only
    Movement,
    /// Importance times uncertainty; while training only
    Platon,
    /// Noise
    Random,
}

impl ScorerName {
    /// Whether the scorer is meant for pruning before training.
    pub fn before_training(self) -> bool {
        !matches!(self, Self::Movement | Self::Platon)
    }

    /// Whether the scorer is meant for pruning while training.
    pub fn while_training(self) -> bool {
        !matches!(
            self,
            Self::IterativeSnip | Self::Force | Self::Grasp | Self::Synflow
        )
    }

    /// How the scorer prunes before training with at most `rounds` (at least 1) of one batch each:
    /// SEVEN's cubic schedule, or the exponential one of iterative SNIP, FORCE and SynFlow; one cut
    /// after all rounds for GraSP; one cut at once for scorers that need one batch or none.
    pub fn rounds(self, rounds: usize, target: Sparsity) -> PrunerConfig {
        match self {
            Self::Snip | Self::Magnitude | Self::Random => {
                PrunerConfig::new(OneShotSchedule::new(0, target))
            }
            Self::Grasp => {
                PrunerConfig::new(OneShotSchedule::new(rounds.saturating_sub(1), target))
            }
            Self::IterativeSnip | Self::Force | Self::Synflow => {
                PrunerConfig::new(ExponentialSchedule::new(0..rounds, target))
            }
            _ => PrunerConfig::new(CubicSchedule::new(0..rounds, target)),
        }
    }

    /// What logits are divided by while the scorer looks on: 200 for GraSP, as its paper has it.
    pub fn temperature(self) -> f64 {
        match self {
            Self::Grasp => 200.0,
            _ => 1.0,
        }
    }

    /// A pruner of this configuration for `model`, with the scorer's default hyperparameters.
    ///
    /// # Errors
    ///
    /// Those of [`PrunerConfig::init`].
    pub fn init<M: Module>(
        self,
        config: PrunerConfig,
        seed: u64,
        model: &M,
    ) -> Result<Pruner, Error> {
        // Recorded runs are of this floor, and of movement as a plain sum over all weights.
        let config = config.with_floor(Floor::Entries(1));
        match self {
            Self::SevenSigned => {
                let signed = SevenScorerConfig::new().with_moment(SevenMoment::Signed);
                config.init(signed.init(), model)
            }
            Self::Movement => {
                let sum = MovementScorerConfig::new().with_rule(MovementRule::Sum);
                config.with_budget(GlobalBudget).init(sum.init(), model)
            }
            Self::Random => config.init(RandomScorerConfig::new().with_seed(seed).init(), model),
            named => {
                let name = named.to_string().replace('-', "_");
                let scorer = AnyScorer::named(&name);
                let scorer = scorer.expect("the library should have this scorer");
                config.init(scorer, model)
            }
        }
    }
}

impl std::fmt::Display for ScorerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value();
        f.pad(value.as_ref().map_or("hidden", |value| value.get_name()))
    }
}
