//! Rows and columns.

use super::{Pooling, Structure, Units, divides, each};
use crate::Error;
use crate::weights::Weight;

/// Rows of each weight as Burn stores it, slices along its first dimension: an input of a linear
/// layer, an output channel of a convolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows(Pooling);

/// Columns of each weight as Burn stores it, slices along its second dimension: an output of a
/// linear layer, an input channel of a convolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns(Pooling);

impl Rows {
    /// Scores are pooled by their mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// How scores are pooled. Default: [`Pooling::Mean`]
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self(pooling)
    }
}

impl Columns {
    /// Scores are pooled by their mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// How scores are pooled. Default: [`Pooling::Mean`]
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self(pooling)
    }
}

/// Slices of one along `dim(weight)`.
pub(super) fn slices(
    name: &str,
    weights: &[&Weight],
    pooling: Pooling,
    dim: impl Fn(&Weight) -> usize,
) -> Result<Vec<Units>, Error> {
    let units = each(name, weights, |weight| {
        let dim = dim(weight);
        divides(weight, dim, 1)?;
        let mut block = weight.shape().to_vec();
        block[dim] = 1;
        Ok(block)
    })?;
    Ok(units
        .into_iter()
        .map(|units| units.with_pooling(pooling))
        .collect())
}

impl Structure for Rows {
    fn name(&self) -> String {
        format!("rows by {:?}", self.0)
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        slices(&self.name(), weights, self.0, |_| 0)
    }
}

impl Structure for Columns {
    fn name(&self) -> String {
        format!("columns by {:?}", self.0)
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        slices(&self.name(), weights, self.0, |_| 1)
    }
}
