//! The seam between burn-seven and a backend.
//!
//! Everything that touches each weight at each step goes through [`Kernels`]: the check for NaN and
//! infinite values, SEVEN's update, counting scores by their bits, and writing masks once the threshold is
//! known. So does the product with a sparse weight. Every method has a portable default, made of
//! Burn's tensor operations, which is the reference for the faster ones.
//!
//! Scores are compared by [`key_of`], a map of floats to integers that keeps their order. The threshold is
//! found a [`Digit`] of the key at a time: one count of the highest bits finds the bin that holds it,
//! a count of the next bits inside that bin narrows it down, until all 32 bits are known. That is
//! exact for any input; nothing is concatenated and nothing is sorted.

mod candidates;
mod fallback;
mod histogram;
mod key;
pub mod portable;
mod seven;
mod sparse;

pub use candidates::{Candidates, Rewrite, Threshold, Ties, Written};
pub use fallback::fell_back;
pub use histogram::{Digit, Histogram, Place};
pub use key::key_of;
pub use portable::Portable;
pub use seven::{SevenRule, SevenStep, SevenTensors, Updated};
pub use sparse::{Activation, PackedWeight, SparseWeight};

use burn::tensor::{Bool, Tensor};

/// What a backend may do faster than the portable path. Every method has a portable default.
pub trait Kernels: std::fmt::Debug + Send + Sync {
    /// The path's name, as the report shows it.
    fn name(&self) -> &'static str;

    /// How many bits of the key each count takes in a large model, from the highest down; 32
    /// together. [`count`](Self::count) takes any digit of up to 16 bits. Default: 16, 16
    fn digits(&self) -> &'static [u32] {
        &[16, 16]
    }

    /// A matrix's values in row-major order; nothing is copied where they lie so.
    fn flatten(&self, matrix: Tensor<2>) -> Tensor<1> {
        let count = matrix.shape().num_elements();
        matrix.reshape([count])
    }

    /// Whether every value of a matrix is finite, by looking at it as it lies; none where the
    /// backend would rather have it flattened and looked at with the others. Default: none
    fn matrix_finite(&self, matrix: &Tensor<2>) -> Option<bool> {
        let _ = matrix;
        None
    }

    /// Whether every value of these tensors is finite. All are float and on one device.
    fn all_finite(&self, tensors: &[&Tensor<1>]) -> bool {
        portable::all_finite(tensors)
    }

    /// One update of SEVEN's statistics, in place where no one else holds their buffers; with
    /// `counts` the new scores of entries that are not pruned may be counted in the same pass, by
    /// as many of the highest bits as `counts` has bins for.
    ///
    /// # Errors
    ///
    /// The step itself, untouched, where the backend has no kernel for it.
    fn seven(
        &self,
        step: SevenStep,
        counts: Option<&mut Histogram>,
    ) -> Result<Updated, Box<SevenStep>> {
        let _ = counts;
        Err(Box::new(step))
    }

    /// Adds the unreserved candidates of these tensors to `counts`, by one digit of their keys.
    fn count(&self, candidates: &[Candidates<'_>], digit: Digit, counts: &mut Histogram) {
        for one in candidates {
            portable::count(one, digit, counts);
        }
    }

    /// Sets what is pruned to exactly 0, in place where no one else holds the values. Both have
    /// shape `[n]`.
    fn zero(&self, values: Tensor<1>, pruned: &Tensor<1, Bool>) -> Tensor<1> {
        values.mask_fill(pruned.clone(), 0.0)
    }

    /// Packs a linear layer's weight, shape `[inputs, outputs]`, for products with activations that
    /// skip its zeros; none where the backend has no such product, or not for this weight.
    fn pack(&self, weight: &Tensor<2>) -> Option<PackedWeight> {
        let _ = weight;
        None
    }

    /// Writes new masks, in the order given, in place where no one else holds the old ones.
    fn write(&self, rewrites: Vec<Rewrite<'_>>, threshold: Threshold) -> Written {
        Written::one_by_one(rewrites, threshold, portable::write)
    }
}
