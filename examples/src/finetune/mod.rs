//! Fine-tuning on real tasks, with pruning before or during it.

mod catalog;
mod draw;
mod error;
mod grid;
mod images;
mod lora;
mod ones;
mod pretrained;
mod pruning;
mod questions;
mod record;
mod results;
mod run;
mod sentences;
mod strategy;
mod task;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tiny;

pub use catalog::{Folders, Runner};
pub use error::Error;
pub use grid::read as read_grid;
pub use images::ImageTask;
pub use lora::attach as attach_masked_lora;
pub use pruning::window;
pub use questions::QuestionTask;
pub use record::{Layer, Run, Settings, Strategy, When};
pub use results::Results;
pub use run::{Place, run};
pub use sentences::{Classifier, Labelled, LabelledBatch, SentenceTask};
pub use task::{Metrics, Task};
