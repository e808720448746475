//! Half of the multiply-adds of two small classifiers of digits, cut out while they train.

mod cnn;
mod experiment;
mod train;
mod vit;

use burn::module::Module;
use burn::tensor::Tensor;

pub use cnn::Cnn;
pub use experiment::{Args, Outcome, run};
pub use vit::Vit;

/// A model that classifies small grey images.
pub trait Classifier: Module + Sync + 'static {
    /// Class scores, shape `[batch, 10]`, of images, shape `[batch, 8, 8]`.
    fn forward(&self, images: Tensor<3>) -> Tensor<2>;
}

/// Why the example could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedded data is not as it should be.
    #[error(transparent)]
    Data(#[from] crate::digits::Error),
    /// The library's pruner refused something.
    #[error(transparent)]
    Pruning(#[from] burn_seven::Error),
    /// A model could not be cut.
    #[error(transparent)]
    Shrink(#[from] burn_seven::shrink::ShrinkError),
    /// A model could not be compiled.
    #[error(transparent)]
    Compile(#[from] burn_seven::sparse::CompileError),
    /// A model's file could not be made.
    #[error(transparent)]
    Record(#[from] burn::store::RecordError),
}

impl<M> From<burn_seven::Failed<M>> for Error {
    fn from(failed: burn_seven::Failed<M>) -> Self {
        Self::Pruning(failed.into())
    }
}
