//! The five axes held together: prune a model while it trains, or before.
//!
//! A pruner knows nothing of any formula. [`PrunerConfig`] says which schedule, budget, pattern and
//! selection; [`Pruner::step`] folds a step into the scores and puts new masks on the model when
//! they are due; [`PrunerRecord`] is all of its state on disk.

mod config;
mod pretrain;
mod probe;
#[expect(
    clippy::module_inception,
    reason = "the type the folder is named after"
)]
mod pruner;
mod record;
mod spec;

pub use config::{MaskMode, NonFinitePolicy, PrunerConfig};
pub use pruner::Pruner;
pub use record::PrunerRecord;
