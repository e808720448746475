//! Everything held together: prune a model while it trains, or before.
//!
//! A pruner knows nothing of any formula. [`PrunerConfig`] says which schedule, budget, structure
//! and selection; [`Pruner::step`] folds a step into the scores and puts new masks on the model when
//! they are due; [`PrunerRecord`] is all of its state on disk.

mod attach;
mod checks;
mod config;
mod device;
mod moments;
mod optimize;
mod pretrain;
mod probe;
#[expect(
    clippy::module_inception,
    reason = "the type the folder is named after"
)]
mod pruner;
mod record;
mod settings;
mod step;

pub use config::PrunerConfig;
pub use pruner::Pruner;
pub use record::PrunerRecord;
pub use settings::{MaskMode, MissingGradient, NonFinitePolicy};
