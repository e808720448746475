//! What can go wrong when a model is cut.

use burn_seven_compile::CompileError;
use burn_seven_core::Error;

/// A model that cannot be looked through or cut. It stays as it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ShrinkError {
    /// The forward pass cannot be captured. Its couplings can be stated by hand.
    #[error("{0}; couplings can be stated by hand, with `Groups::by_hand`")]
    Capture(#[from] CompileError),
    /// Masks or adapters are on the model.
    #[error(
        "{path} has a reparameterization: call `pruner.finish(model)` or `model.materialize()` first"
    )]
    Reparameterized {
        /// The parameter's path.
        path: String,
    },
    /// A parameter that is named is not there.
    #[error("the model has no parameter {path}")]
    Missing {
        /// The path.
        path: String,
    },
    /// A parameter has another shape than it should.
    #[error("{path} should have {expected} along dimension {axis}, but its shape is {found:?}")]
    Shape {
        /// The parameter's path.
        path: String,
        /// The dimension.
        axis: usize,
        /// What it should be a multiple of, or equal to.
        expected: usize,
        /// The parameter's shape.
        found: Vec<usize>,
    },
    /// The smaller model computes something else.
    #[error(
        "output {output} of the smaller model is {found} where the model's own is {expected}: \
         please report this"
    )]
    Mismatch {
        /// Which output.
        output: usize,
        /// The model's own value, or shape.
        expected: String,
        /// The smaller model's.
        found: String,
    },
    /// There is nothing that could be pruned.
    #[error("no group of the model can be cut: {reasons}")]
    NothingToCut {
        /// Why not, group by group.
        reasons: String,
    },
    /// A number is out of its range.
    #[error("{parameter} is {found}, but should be {expected}")]
    OutOfRange {
        /// What it is.
        parameter: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// Its value.
        found: String,
    },
    /// An error of the library's core.
    #[error(transparent)]
    Core(#[from] Error),
    /// A file of sizes cannot be read or written.
    #[error("{path}: {message}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The sum of squares of the calibration inputs cannot be solved for.
    #[error("the fit of {path} failed: {message}")]
    Fit {
        /// The weight that reads the units.
        path: String,
        /// What is wrong.
        message: String,
    },
}
