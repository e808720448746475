//! How much each weight matters: statistics of weights and gradients, and the score made of them.
//!
//! One file a scorer, in six parts: config, scorer, state, build, trait impl, tests. A new one is
//! such a file and a `mod` line; outside the crate it is the file alone, as
//! `examples/custom_scorer.rs` shows.
//!
//! | scorer | score | pruned weights return |
//! | --- | --- | --- |
//! | [`SevenScorerConfig`] | `Σ \|w·a·m̂ / (√v̂ + ε)\|` | no |
//! | [`SensitivityScorerConfig`] | `Σ \|w·g\|` | no |
//! | [`SnipScorerConfig`] | `\|w·g\|` of the last batch | no |
//! | [`MagnitudeScorerConfig`] | `\|w\|` | no |
//! | [`RandomScorerConfig`] | uniform noise | no |
//! | [`MovementScorerConfig`] | `-Σ w·g` | yes |
//! | [`PlatonScorerConfig`] | smoothed `\|w·g\|` times its smoothed uncertainty | yes |

mod base;
mod erased;
mod magnitude;
mod module_scorer;
mod movement;
mod platon;
mod random;
mod score;
mod sensitivity;
mod seven;
mod snip;

pub use base::{Scorer, in_unit_interval};
pub(crate) use erased::DynScorer;
pub use magnitude::{Magnitude, MagnitudeScorer, MagnitudeScorerConfig};
pub use module_scorer::{ModuleScorer, Scores, WeightScore};
pub use movement::{Movement, MovementScorer, MovementScorerConfig};
pub use platon::{Platon, PlatonScorer, PlatonScorerConfig, PlatonState};
pub use random::{Random, RandomScorer, RandomScorerConfig};
pub use score::Score;
pub use sensitivity::{Sensitivity, SensitivityScorer, SensitivityScorerConfig};
pub use seven::{Seven, SevenMoment, SevenScorer, SevenScorerConfig, SevenState};
pub use snip::{Snip, SnipScorer, SnipScorerConfig};

#[cfg(test)]
pub(crate) mod testing;
