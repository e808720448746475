//! Fine-tuning on real tasks, with pruning before or during it.

mod record;

pub use record::{Layer, Run, Settings, Strategy, TaskName, When};
