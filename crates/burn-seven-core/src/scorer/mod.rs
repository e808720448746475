//! How much each weight matters: statistics of weights and gradients, and the score made of them.
//!
//! One file a scorer, in six parts: config, scorer, state, build, trait impl, tests. A new one is
//! such a file and one line in the list below; outside the crate it is the file alone, as
//! `examples/custom_scorer.rs` shows.

mod base;
mod erased;
mod gradient;
mod module_scorer;
mod reads;
mod regrowth;
mod sample;
mod score;
mod scores;
mod tally;

pub use base::{Scorer, config_of, in_unit_interval};
pub use erased::AnyScorer;
pub use gradient::Gradient;
pub use module_scorer::ModuleScorer;
pub use reads::Reads;
pub use regrowth::Regrowth;
pub use sample::Sample;
pub use score::Score;
pub use scores::{Scores, WeightScore};
#[doc(hidden)]
pub use tally::Tally;

/// Each file, and the configurations in it.
macro_rules! scorers {
    ($($file:ident: $($config:ident),+;)+) => {
        $(
            mod $file;
            pub use $file::*;
        )+

        /// All scorers, with their default hyperparameters.
        fn all() -> Vec<AnyScorer> {
            vec![$($($config::new().init().into(),)+)+]
        }
    };
}

scorers! {
    seven: SevenScorerConfig;
    sensitivity: SensitivityScorerConfig;
    mean_gradient: MeanGradientScorerConfig;
    hedge: HedgeScorerConfig;
    magnitude: MagnitudeScorerConfig;
    random: RandomScorerConfig;
    snip: SnipScorerConfig, IterativeSnipScorerConfig, ForceScorerConfig;
    grasp: GraspScorerConfig;
    synflow: SynflowScorerConfig;
    movement: MovementScorerConfig;
    platon: PlatonScorerConfig;
    rigl: RiglScorerConfig, SetScorerConfig;
}

#[cfg(test)]
pub(crate) mod testing;
