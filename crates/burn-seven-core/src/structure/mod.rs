//! Which entries are pruned together.
//!
//! One file a structure. A structure divides weights into units: an entry, a block, a row, a neuron
//! of two weights, an attention head of four. A unit's score is pooled from its entries' scores, and
//! a unit stays or goes as a whole. N:M sparsity has entries for units and a [`Quota`] for each
//! group of them.

mod blocks;
mod channels;
mod entries;
mod grid;
mod heads;
mod lines;
mod n_of_m;
mod neurons;
mod pooling;
mod quota;
mod units;

pub use blocks::Blocks;
pub use channels::Channels;
pub use entries::Entries;
pub(crate) use grid::Grid;
pub use heads::Heads;
pub use lines::{Columns, Rows};
pub use n_of_m::NofM;
pub use neurons::Neurons;
pub use pooling::Pooling;
pub use quota::Quota;
pub use units::Units;

use crate::Error;
use crate::weights::Weight;

/// A division of weights into units that are pruned as a whole.
pub trait Structure: std::fmt::Debug + Send + Sync + 'static {
    /// The structure's name with its numbers, such as `2:4`. Records compare it.
    fn name(&self) -> String;

    /// The units of these weights. Every weight should be in one of the [`Units`], and only once.
    ///
    /// # Errors
    ///
    /// [`Error::StructureMismatch`] that lists all weights that the structure does not fit, or
    /// [`Error::OutOfRange`] for a bad hyperparameter.
    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error>;
}

/// The units of each weight by itself, in blocks of the size that `block` gives, or why there are
/// none. The error lists all weights that do not fit.
pub(crate) fn each(
    name: &str,
    weights: &[&Weight],
    block: impl Fn(&Weight) -> Result<Vec<usize>, String>,
) -> Result<Vec<Units>, Error> {
    let mut units = Vec::new();
    let mut misfits = Vec::new();
    for (index, weight) in weights.iter().enumerate() {
        match block(weight) {
            Ok(block) => units.push(Units::blocks(index, block)),
            Err(reason) => misfits.push(misfit(weight, &reason)),
        }
    }
    match misfits.is_empty() {
        true => Ok(units),
        false => Err(Error::StructureMismatch {
            structure: name.to_string(),
            misfits,
        }),
    }
}

/// "conv.weight [8, 3, 3, 3]: dimension 1 is 3, not a multiple of 4".
pub(crate) fn misfit(weight: &Weight, reason: &str) -> String {
    format!("{} {:?}: {reason}", weight.path(), weight.shape())
}

/// Why a dimension cannot be divided, if it cannot.
fn divides(weight: &Weight, dim: usize, group: usize) -> Result<(), String> {
    match weight.shape().get(dim) {
        None => Err(format!("it has no dimension {dim}")),
        Some(size) if group > 0 && size % group == 0 => Ok(()),
        Some(size) => Err(format!(
            "dimension {dim} is {size}, not a multiple of {group}"
        )),
    }
}
