//! The tasks by name, for command lines and results files.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The tasks to fine-tune on.
#[derive(
    ValueEnum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum TaskName {
    /// Sentiment of sentences (accuracy)
    Sst2,
    /// Whether two sentences say the same (F1 and accuracy)
    Mrpc,
    /// Whether one sentence follows from another (accuracy)
    Rte,
    /// Whether a sentence is grammatical (Matthews correlation)
    Cola,
    /// Answers as spans of a text (F1 and exact match)
    Squad,
    /// Fashion-MNIST's images, by a small vision Transformer (accuracy)
    Fashion,
    /// The embedded handwritten digits, by a smaller one (accuracy)
    Digits,
}
