//! A small vision Transformer on handwritten digits: trained dense, then pruned.

mod args;
mod data;
mod experiment;
mod model;
mod outcome;
mod train;

pub use args::Args;
pub use data::{Batch, Digits};
pub use experiment::{check, compare, run};
pub use model::{Vit, VitConfig};
pub use outcome::{Outcome, Summary, summarize};

/// Why the example could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedded data is not as it should be.
    #[error("the embedded digits: {0}")]
    Data(#[from] csv::Error),
    /// The library refused something.
    #[error(transparent)]
    Pruning(#[from] burn_seven::Error),
    /// A model's sparse file could not be made.
    #[error(transparent)]
    Sparse(#[from] burn_seven::sparse::SparseError),
    /// A model's record could not be made.
    #[error("the model's record: {0}")]
    Record(#[from] burn::store::RecordError),
    /// A file could not be written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The results could not be written as JSON.
    #[error("results as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl<M> From<burn_seven::Failed<M>> for Error {
    fn from(failed: burn_seven::Failed<M>) -> Self {
        Self::Pruning(failed.into())
    }
}
