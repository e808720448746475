//! What may be wrong with a folder that a model is loaded from.

use std::io;
use std::path::PathBuf;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum BertError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is not JSON, or a field is missing or of another type.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The configuration asks for something that this encoder does not have.
    #[error("{name} is {found}, but only {expected} is supported")]
    Unsupported {
        /// The field.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A size is 0.
    #[error("{name} is 0, but should be at least 1")]
    Zero {
        /// The field.
        name: &'static str,
    },
    /// The width cannot be divided among the heads.
    #[error("num_attention_heads is {heads}, which does not divide hidden_size, {width}")]
    Heads {
        /// How many heads.
        heads: usize,
        /// The width of tokens.
        width: usize,
    },
    /// A probability of dropout outside [0, 1).
    #[error("{name} is {value}, but should be in [0, 1)")]
    Dropout {
        /// The field.
        name: &'static str,
        /// What it is.
        value: f64,
    },
    /// A number below 0.
    #[error("{name} is {value}, but should be at least 0")]
    Negative {
        /// The field.
        name: &'static str,
        /// What it is.
        value: f64,
    },
    /// The file of weights is not as its format says.
    #[error("{}: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A tensor that the model needs is not in the file.
    #[error("{}: no tensor {name}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor, as Hugging Face names it.
        name: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("{}: {name} has shape {found:?}, but should have {expected:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor, as Hugging Face names it.
        name: String,
        /// The shape that the configuration asks for, in the file's orientation.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor cannot be used for another reason, such as whole numbers for weights.
    #[error("{}: {name}: {reason}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor, as Hugging Face names it.
        name: String,
        /// What is wrong.
        reason: String,
    },
}
