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
//! | [`IterativeSnipScorerConfig`] | `\|w·ḡ\|` at the pruned model, `ḡ` the mean of a round | no |
//! | [`ForceScorerConfig`] | `\|w·ḡ\|` at the pruned model, also of pruned weights | yes |
//! | [`GraspScorerConfig`] | `Σ w·(H g)` | no |
//! | [`SynflowScorerConfig`] | `\|θ·∂R/∂θ\|` at `\|θ\|`, with `R` the sum of outputs for an input of ones | no |
//! | [`MagnitudeScorerConfig`] | `\|w\|` | no |
//! | [`RandomScorerConfig`] | uniform noise | no |
//! | [`MovementScorerConfig`] | `-Σ w·g` | yes |
//! | [`PlatonScorerConfig`] | smoothed `\|w·g\|` times its smoothed uncertainty | yes |

mod base;
mod erased;
mod force;
mod gradient;
mod grasp;
mod iterative_snip;
mod magnitude;
mod module_scorer;
mod movement;
mod platon;
mod random;
mod round;
mod score;
mod sensitivity;
mod seven;
mod snip;
mod synflow;

pub use base::{Scorer, in_unit_interval};
pub(crate) use erased::DynScorer;
pub use force::{Force, ForceScorer, ForceScorerConfig};
pub use gradient::Gradient;
pub use grasp::{Grasp, GraspScorer, GraspScorerConfig};
pub use iterative_snip::{IterativeSnip, IterativeSnipScorer, IterativeSnipScorerConfig};
pub use magnitude::{Magnitude, MagnitudeScorer, MagnitudeScorerConfig};
pub use module_scorer::{ModuleScorer, Scores, WeightScore};
pub use movement::{Movement, MovementScorer, MovementScorerConfig};
pub use platon::{Platon, PlatonScorer, PlatonScorerConfig, PlatonState};
pub use random::{Random, RandomScorer, RandomScorerConfig};
pub use round::RoundState;
pub use score::Score;
pub use sensitivity::{Sensitivity, SensitivityScorer, SensitivityScorerConfig};
pub use seven::{Seven, SevenMoment, SevenScorer, SevenScorerConfig, SevenState};
pub use snip::{Snip, SnipScorer, SnipScorerConfig};
pub use synflow::{Synflow, SynflowScorer, SynflowScorerConfig};

#[cfg(test)]
pub(crate) mod testing;
