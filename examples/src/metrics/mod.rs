//! How good predictions are.

mod by_task;
pub mod classification;
pub mod squad;

pub use by_task::{metric, of_answers, of_classes, of_majority};
