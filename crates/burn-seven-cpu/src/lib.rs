//! The kernels of burn-seven on slices of host memory: what its backends on the CPU share.
//!
//! Each reads and writes its slices once, on all cores, in loops that the compiler vectorizes; on
//! x86-64 they are compiled for AVX2 too, which is taken at run time where it is there. Results are
//! the same bits with and without it, and on any number of threads.
//!
//! Scratch is a histogram a thread, whatever the size of the model.
//!
//! For inference, [`fused`] has kernels that do in one pass what a framework does in several, and
//! [`sparse`] the product of a sparse weight with activations.

mod count;
mod finite;
mod flag;
pub mod fused;
mod host;
mod host_sparse;
mod pieces;
mod seven;
mod simd;
pub mod sparse;
mod transpose;
mod write;
mod zero;

pub use count::count;
pub use finite::all_finite;
pub use flag::Flag;
pub use host::{Buffer, Host, HostKernels};
pub use seven::{Seven, seven};
pub use transpose::to_rows;
pub use write::write;
pub use zero::zero;

/// One weight tensor's scores and what may become of them; all slices are of one length.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a, F> {
    /// The scores.
    pub scores: &'a [f32],
    /// Whether pruned entries may come back.
    pub regrows: bool,
    /// Entries that stay whatever their score; they are not counted.
    pub reserved: Option<&'a [F]>,
}

impl<F> Scored<'_, F> {
    /// How many entries there are.
    ///
    /// # Panics
    ///
    /// When there is another number of flags than of scores.
    fn total(&self, pruned: &[F]) -> usize {
        let total = self.scores.len();
        assert_eq!(pruned.len(), total, "flags of what is pruned");
        let reserved = self.reserved.map_or(total, <[F]>::len);
        assert_eq!(reserved, total, "flags of what is reserved");
        total
    }

    /// A part of the entries.
    fn part(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            scores: &self.scores[range.clone()],
            regrows: self.regrows,
            reserved: self.reserved.map(|reserved| &reserved[range]),
        }
    }
}
