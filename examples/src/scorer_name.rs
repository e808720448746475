//! The scorers by name, for command lines and results files.

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

impl std::fmt::Display for ScorerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value();
        f.pad(value.as_ref().map_or("hidden", |value| value.get_name()))
    }
}
