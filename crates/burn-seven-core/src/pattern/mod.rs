//! Which shapes the kept weights may form.
//!
//! One file a pattern. A pattern reserves the weights that must stay in each tensor; the budget's
//! other places go to the highest scores among the rest.

mod n_of_m;
mod unstructured;

pub use n_of_m::NofM;
pub use unstructured::Unstructured;

use crate::Error;

/// One weight tensor's scores, as a pattern sees them.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// The weight's shape.
    pub shape: &'a [usize],
    /// Keys in row-major order; a higher key is a higher score.
    pub keys: &'a [u32],
    /// Whether each entry can be kept at all.
    pub eligible: &'a [bool],
    /// Whether each entry is kept now; on equal keys such an entry goes first.
    pub kept: &'a [bool],
}

/// A structure that the kept weights have to form.
pub trait Pattern: std::fmt::Debug + Send + Sync + 'static {
    /// The pattern's name with its numbers, such as `2:4`.
    fn name(&self) -> String;

    /// Checks that the pattern fits a weight.
    ///
    /// # Errors
    ///
    /// [`Error::PatternShape`] when it does not divide the weight's shape; [`Error::OutOfRange`]
    /// for a bad hyperparameter.
    fn check(&self, path: &str, shape: &[usize]) -> Result<(), Error>;

    /// Whether the pattern reserves anything. Default: it does
    fn reserves(&self) -> bool {
        true
    }

    /// How many entries of a weight of this shape must stay, when the pattern fixes that number;
    /// the target sparsity has to leave exactly as many. None when any number will do.
    fn reserved_count(&self, shape: &[usize]) -> Option<usize>;

    /// Which entries must stay: one flag an entry, set for eligible ones only.
    fn reserve(&self, ranked: Ranked<'_>) -> Vec<bool>;
}
