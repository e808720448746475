//! Why a run could not do its work.

use crate::bert::BertError;
use crate::data_error::DataError;

/// Why a run could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Settings that make no sense.
    #[error("{0}")]
    Settings(String),
    /// Data that is missing or damaged.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A pretrained model that is missing or damaged.
    #[error(transparent)]
    Bert(#[from] BertError),
    /// The embedded digits are damaged.
    #[error(transparent)]
    Digits(#[from] crate::digits::Error),
    /// The library refused something.
    #[error(transparent)]
    Pruning(#[from] burn_seven::Error),
    /// Weights that ran away.
    #[error("the loss at step {step} is {loss}: a lower --learning-rate may help")]
    Diverged {
        /// The step.
        step: usize,
        /// NaN or infinity.
        loss: f64,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A grid or results file is not as it should be.
    #[error("{path}, {place}: {text}")]
    File {
        /// The file.
        path: String,
        /// Where in it.
        place: String,
        /// What is wrong.
        text: String,
    },
}

impl<M> From<burn_seven::Failed<M>> for Error {
    fn from(failed: burn_seven::Failed<M>) -> Self {
        Self::Pruning(failed.into())
    }
}
