//! Tables and plots of many runs of fine-tuning: reading, grouping by all settings but the seed,
//! statistics, and what is shown of them.

mod args;
mod error;
mod fill;
mod group;
mod ordered;
mod paired;
mod plots;
mod read;
mod sample;
mod select;
mod setup;
mod tables;
#[cfg(test)]
mod testing;
mod text;
mod write;

pub use args::Args;
pub use error::{Error, Place};
pub use fill::fill;
pub use group::{Group, groups};
pub use ordered::Ordered;
pub use paired::Paired;
pub use plots::{Plot, plots};
pub use read::{Entry, Input, read};
pub use sample::Sample;
pub use setup::Setup;
pub use tables::{TableName, Tables};
pub use write::{Written, write};
