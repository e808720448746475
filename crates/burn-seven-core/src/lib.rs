//! The backend-independent core of burn-seven.
//!
//! Users depend on the `burn-seven` crate, which re-exports everything here beside a backend. This
//! crate holds the axes of pruning, each a folder that is open to one more file:
//!
//! | folder | question | trait |
//! | --- | --- | --- |
//! | [`scorer`] | how much does each weight matter? | [`Scorer`] |
//! | [`structure`] | what is pruned together? | [`Structure`] |
//! | [`budget`] | how many weights may stay, and where? | [`Budget`] |
//! | [`schedule`] | when, and to what sparsity? | [`Schedule`] |
//! | [`compensation`] | what becomes of the rest? | [`Compensation`] |
//!
//! [`weights`] finds the prunable weights of a Burn module and pairs them with their gradients,
//! [`mask`] puts a choice on the model, [`probe`] computes gradients that are not the loss's,
//! [`pruner`] holds the axes together and knows nothing of any formula, [`report`] says what was
//! done, and [`kernels`] is the seam where a backend replaces the portable path.
//!
//! Data's way: `backward()` → `GradientsParams` → [`WeightGrads`] → [`Scorer`] → [`Structure`] →
//! [`Budget`] → [`Masks`] → the next forward pass.

pub mod budget;
pub mod compensation;
mod drop_and_grow;
pub mod error;
mod floor;
pub mod kernels;
pub mod mask;
pub mod probe;
pub mod pruner;
mod record;
pub mod report;
pub mod schedule;
pub mod scorer;
mod select;
pub mod sparsity;
pub mod structure;
pub mod weights;

/// What the project's own crates, tests and benchmarks reach beyond the public interface. It changes
/// without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::scorer::Tally;
    pub use crate::select::{Selected, Selector, Thresholds};
    pub use crate::weights::rewrite::rewrite;
    pub use crate::weights::walk::{Change, Visit, change, visit};
}

// Found at the crate root by `derive(RecordState)`.
pub use burn::optim::{RecordState, StateSink, StateSource, join_path};

#[doc(inline)]
pub use budget::{Budget, ErkBudget, GlobalBudget, GroupBudget, UniformBudget};
#[doc(inline)]
pub use compensation::Compensation;
pub use drop_and_grow::DropAndGrow;
#[doc(inline)]
pub use error::{Error, Failed};
pub use floor::Floor;
#[doc(inline)]
pub use mask::{Mask, Masks, PruningMask, Zeros};
#[doc(inline)]
pub use pruner::{MaskMode, MissingGradient, NonFinitePolicy, Pruner, PrunerConfig, PrunerRecord};
#[doc(inline)]
pub use report::{Report, WeightReport};
#[doc(inline)]
pub use schedule::{
    ConstantSchedule, CubicSchedule, ExponentialSchedule, LinearSchedule, OneShotSchedule, Schedule,
};
#[doc(inline)]
pub use scorer::*;
#[doc(inline)]
pub use sparsity::Sparsity;
#[doc(inline)]
pub use structure::{
    Blocks, Channels, Columns, Entries, Heads, Neurons, NofM, Pooling, Rows, Structure,
};
#[doc(inline)]
pub use weights::{Inputs, Selection, Weight, WeightGrad, WeightGrads};
