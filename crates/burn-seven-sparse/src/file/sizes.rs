//! Shapes that are stored as tensors of their own.

use std::ops::RangeInclusive;

use safetensors::Dtype;

use super::bitmask;
use super::container::{Container, Stored};
use crate::SparseError;

/// A weight's shape, and the rows and columns of bits that it is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sizes {
    pub shape: Vec<usize>,
    pub rows: usize,
    pub columns: usize,
}

impl Sizes {
    /// The shape that the tensor `stored` of this name holds, of one of these ranks. So many entries
    /// of 8 bytes have an address each.
    pub(super) fn read(
        file: &Container,
        name: &str,
        stored: &Stored,
        ranks: RangeInclusive<usize>,
    ) -> Result<Self, SparseError> {
        if !matches!(stored.shape[..], [rank] if ranks.contains(&rank)) {
            let (first, last) = (ranks.start(), ranks.end());
            let (expected, found) = (
                format!("[{first}] to [{last}]"),
                format!("{:?}", stored.shape),
            );
            return Err(SparseError::malformed(name, "shape", expected, found));
        }
        stored.expect(name, Dtype::I64, &stored.shape)?;
        let found: Vec<i64> = file.integers(&stored.place).collect();
        let sizes = found.iter().map(|&size| usize::try_from(size).ok());
        let sizes: Option<Vec<usize>> = sizes.collect();
        let fits = |&(rows, columns): &(usize, usize)| (rows * columns).checked_mul(8).is_some();
        let flat = sizes.as_deref().and_then(bitmask::flat).filter(fits);
        match (sizes, flat) {
            (Some(shape), Some((rows, columns))) => Ok(Self {
                shape,
                rows,
                columns,
            }),
            _ => {
                let (expected, found) = ("a weight's sizes", format!("{found:?}"));
                Err(SparseError::malformed(name, "content", expected, found))
            }
        }
    }
}
