//! Rectangles of a matrix.

use super::{Pooling, Structure, Units, divides, each};
use crate::Error;
use crate::weights::Weight;

/// Blocks of so many rows and columns of each weight as Burn stores it: of a linear layer, inputs
/// and outputs. A block of anything larger than a matrix spans the other dimensions whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    rows: usize,
    columns: usize,
    pooling: Pooling,
}

impl Blocks {
    /// Blocks of `rows` x `columns`, which have to divide each weight.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for 0.
    pub fn new(rows: usize, columns: usize) -> Result<Self, Error> {
        for (parameter, value) in [("rows of a block", rows), ("columns of a block", columns)] {
            if value == 0 {
                return Err(Error::OutOfRange {
                    parameter,
                    value: 0.0,
                    allowed: "at least 1",
                });
            }
        }
        Ok(Self {
            rows,
            columns,
            pooling: Pooling::default(),
        })
    }

    /// How scores are pooled. Default: [`Pooling::Mean`]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }
}

impl Structure for Blocks {
    fn name(&self) -> String {
        format!(
            "blocks {}x{} by {:?}",
            self.rows, self.columns, self.pooling
        )
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        let units = each(&self.name(), weights, |weight| {
            divides(weight, 0, self.rows)?;
            divides(weight, 1, self.columns)?;
            let whole = weight.shape().iter().skip(2);
            Ok([self.rows, self.columns]
                .iter()
                .chain(whole)
                .copied()
                .collect())
        })?;
        let pooled = units
            .into_iter()
            .map(|units| units.with_pooling(self.pooling));
        Ok(pooled.collect())
    }
}
