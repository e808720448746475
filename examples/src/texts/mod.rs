//! Texts for fine-tuning: files, tokens, windows and batches.

mod batches;
mod example;
mod glue;
mod pad;
mod sources;
mod span;
mod squad;
mod template;
#[cfg(test)]
pub(crate) mod testing;
mod tokens;
mod windows;

pub use batches::{epoch, in_order};
pub use example::{Split, TextExample};
pub use glue::load;
pub use pad::pad;
pub use span::best_span;
pub use squad::{Answer, Question, load_squad};
pub use tokens::{Encoded, Tokens};
pub use windows::Window;

pub use crate::data_error::DataError;
