//! The backend-independent core of burn-seven.
//!
//! Users depend on the `burn-seven` crate, which re-exports everything here beside a backend. This
//! crate holds the five axes of pruning, each a folder that is open to one more file:
//!
//! | folder | question | trait |
//! | --- | --- | --- |
//! | [`scorer`] | how much does each weight matter? | [`Scorer`] |
//! | [`budget`] | how many weights may stay, and where? | [`Budget`] |
//! | [`pattern`] | which shapes may the kept weights form? | [`Pattern`] |
//! | [`schedule`] | when, and to what sparsity? | [`Schedule`] |
//! | [`mask`] | how is the choice put on the model? | [`Masks`] |
//!
//! [`weights`] finds the prunable weights of a Burn module and pairs them with their gradients,
//! [`probe`] computes gradients that are not the loss's, for the scorers that ask for them,
//! [`pruner`] holds the axes together and knows nothing of any formula, [`report`] says what was
//! done, and [`kernels`] is the seam where a backend replaces the portable path.
//!
//! Data's way: `backward()` → `GradientsParams` → [`WeightGrads`] → [`Scorer`] → [`Budget`] →
//! [`Pattern`] → [`Masks`] → the next forward pass.

pub mod budget;
pub mod error;
pub mod kernels;
pub mod mask;
pub mod pattern;
pub mod probe;
pub mod pruner;
mod record;
pub mod report;
pub mod schedule;
pub mod scorer;
pub mod sparsity;
pub mod weights;

// Found at the crate root by `derive(RecordState)`.
pub use burn::optim::{RecordState, StateSink, StateSource};

#[doc(inline)]
pub use budget::{Budget, ErkBudget, GlobalBudget, UniformBudget};
#[doc(inline)]
pub use error::{Error, Failed};
#[doc(inline)]
pub use mask::{Mask, Masks, PruningMask, Selector};
#[doc(inline)]
pub use pattern::{NofM, Pattern, Unstructured};
#[doc(inline)]
pub use pruner::{MaskMode, NonFinitePolicy, Pruner, PrunerConfig, PrunerRecord};
#[doc(inline)]
pub use report::{Report, WeightReport};
#[doc(inline)]
pub use schedule::{CubicSchedule, ExponentialSchedule, LinearSchedule, OneShotSchedule, Schedule};
#[doc(inline)]
pub use scorer::{
    ForceScorerConfig, Gradient, GraspScorerConfig, IterativeSnipScorerConfig,
    MagnitudeScorerConfig, ModuleScorer, MovementScorerConfig, PlatonScorerConfig,
    RandomScorerConfig, Score, Scorer, Scores, SensitivityScorerConfig, SevenScorer,
    SevenScorerConfig, SnipScorerConfig, SynflowScorerConfig,
};
#[doc(inline)]
pub use sparsity::Sparsity;
#[doc(inline)]
pub use weights::{Selection, WeightGrad, WeightGrads};
