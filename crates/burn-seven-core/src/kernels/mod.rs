//! The seam where a backend replaces the portable path.
//!
//! Choosing masks takes two things of a weight tensor: counting its scores by their bits, and
//! writing the mask once the cut is known. [`Kernels`] holds both; its provided methods are the
//! portable path, which reads one weight tensor at a time to the host and is the reference for
//! every faster one. Nothing is concatenated and nothing is sorted.
//!
//! Scores are compared by [`key_of`], a map of floats to integers that keeps their order, 16 bits
//! at a time: one count of the upper halves finds the bin that holds the cut, one count of the
//! lower halves inside that bin finds the cut itself. That is exact for any input.

mod finite;
mod portable;

pub(crate) use finite::check_finite;
pub use portable::Portable;
pub(crate) use portable::{bools, floats};

use burn::tensor::{Bool, Tensor};

/// How many bins a [`Histogram`] has.
pub const BINS: usize = 1 << 16;

/// One weight tensor's candidates for staying.
#[derive(Debug, Clone)]
pub struct Candidates<'a> {
    /// The scores, float32, shape `[n]`.
    pub scores: &'a Tensor<1>,
    /// What the current mask drops, shape `[n]`.
    pub dropped: &'a Tensor<1, Bool>,
    /// Whether dropped entries may come back.
    pub returns: bool,
    /// Entries that stay whatever their score, shape `[n]`; they are not counted.
    pub reserved: Option<&'a Tensor<1, Bool>>,
}

/// Counts of scores by 16 bits of their key, apart for entries that are kept and dropped now.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Counts of entries that the current mask keeps.
    pub kept: Vec<u64>,
    /// Counts of entries that the current mask drops; all 0 where they may not return.
    pub dropped: Vec<u64>,
    /// How many scores were NaN.
    pub nan: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            kept: vec![0; BINS],
            dropped: vec![0; BINS],
            nan: 0,
        }
    }
}

/// Which scores stay: all with a key above `key`, and as many at `key` as the two counts say,
/// lower indices first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The key of the lowest score that may stay.
    pub key: u32,
    /// How many entries at `key` that are kept now stay.
    pub kept_ties: u64,
    /// How many entries at `key` that are dropped now come back.
    pub dropped_ties: u64,
}

/// A new mask of one weight tensor.
#[derive(Debug, Clone)]
pub struct Written {
    /// What the mask drops, shape `[n]`.
    pub dropped: Tensor<1, Bool>,
    /// How many entries it keeps.
    pub kept: usize,
    /// The cut with this tensor's ties taken off, for the next tensor.
    pub rest: Cut,
}

/// What a backend may do faster than the portable path. Every method has a portable default.
pub trait Kernels: std::fmt::Debug + Send + Sync {
    /// The path's name, as the report shows it.
    fn name(&self) -> &'static str;

    /// Adds one tensor's unreserved candidates to `counts`, by the upper 16 bits of their keys, or
    /// by the lower 16 of those whose upper bits are `upper`.
    fn count(&self, candidates: &Candidates<'_>, upper: Option<u16>, counts: &mut Histogram) {
        portable::count(candidates, upper, counts);
    }

    /// Writes one tensor's new mask.
    fn write(&self, candidates: &Candidates<'_>, cut: Cut) -> Written {
        portable::write(candidates, cut)
    }
}

/// An integer that orders like the score, with -0 equal to 0. NaN has no place in the order.
pub fn key_of(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits(); // -0 + 0 is 0
    if bits & 0x8000_0000 == 0 {
        bits | 0x8000_0000
    } else {
        !bits
    }
}

#[cfg(test)]
mod tests {
    use super::key_of;
    use proptest::prelude::*;

    #[test]
    fn both_zeros_have_one_key_and_infinities_are_the_ends() {
        assert_eq!(key_of(-0.0), key_of(0.0));
        assert!(key_of(f32::INFINITY) > key_of(f32::MAX));
        assert!(key_of(f32::NEG_INFINITY) < key_of(f32::MIN));
        assert!(key_of(f32::from_bits(1)) > key_of(0.0));
    }

    proptest! {
        #[test]
        fn keys_order_as_scores_do(a in any::<f32>(), b in any::<f32>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(key_of(a).cmp(&key_of(b)), a.partial_cmp(&b).unwrap());
        }
    }
}
