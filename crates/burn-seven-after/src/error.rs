//! What can go wrong when a model is pruned without training.

use burn_seven_compile::CompileError;
use burn_seven_core::Error;

/// A model that cannot be pruned so. It stays as it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AfterError {
    /// The forward pass cannot be captured or run.
    #[error(transparent)]
    Capture(#[from] CompileError),
    /// Masks or adapters are on the model.
    #[error(
        "{path} has a reparameterization: call `pruner.finish(model)` or `model.materialize()` first"
    )]
    Reparameterized {
        /// The parameter's path.
        path: String,
    },
    /// A number is out of its range.
    #[error("{parameter} is {found}, but should be {expected}")]
    OutOfRange {
        /// What it is.
        parameter: &'static str,
        /// What is allowed.
        expected: String,
        /// Its value.
        found: String,
    },
    /// A layer that is named is not one that can be pruned.
    #[error("{path} is no layer that can be pruned; there are {layers}")]
    NoLayer {
        /// The weight's path, as given.
        path: String,
        /// The paths that there are.
        layers: String,
    },
    /// No layer of the model can be pruned.
    #[error("no layer of the model can be pruned: {reasons}")]
    NothingToPrune {
        /// Why not, layer by layer.
        reasons: String,
    },
    /// Inputs of one shape take another way through the model than those of another.
    #[error("calibration input {batch} reads {found} as layer {layer}, the first one {expected}")]
    AnotherWay {
        /// Which input.
        batch: usize,
        /// Which layer, in order.
        layer: usize,
        /// The first input's.
        expected: String,
        /// This input's.
        found: String,
    },
    /// What enters a layer, or its weight, has NaN or infinite values.
    #[error("{what} of {path} has NaN or infinite values")]
    NonFinite {
        /// The weight's path.
        path: String,
        /// Inputs or the weight.
        what: &'static str,
    },
    /// The second moments of a layer's inputs have no Cholesky factor, however much is added.
    #[error(
        "the second moments of the inputs of {path} have no Cholesky factor with damping {damping}"
    )]
    NotPositive {
        /// The weight's path.
        path: String,
        /// The largest share of the mean diagonal that was tried.
        damping: f64,
    },
    /// An error of the library's core.
    #[error(transparent)]
    Core(#[from] Error),
}
