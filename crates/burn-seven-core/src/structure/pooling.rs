//! How the scores of a unit's entries become its own.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Grid;

/// How the scores of a unit's entries become its own, over all weights that it spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Pooling {
    /// Their mean: units of different size compete by what they hold for each entry. The default.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// The root of the sum of their squares: for scores that are not below 0, since it takes their
    /// sign away (movement's and GraSP's have one).
    L2,
}

impl Pooling {
    /// The units' scores, shape `[units]`, from the entries' scores of each weight, shape `[n]`.
    pub(crate) fn pool(self, members: &[(Tensor<1>, &Grid)]) -> Tensor<1> {
        let sum = |(scores, grid): &(Tensor<1>, &Grid)| {
            grid.sum(match self {
                Self::L2 => scores.clone().square(),
                Self::Mean | Self::Sum => scores.clone(),
            })
        };
        let entries: usize = members.iter().map(|(_, grid)| grid.block_size()).sum();
        let total = members.iter().map(sum).reduce(|total, sum| total + sum);
        let total = total.expect("units should have a weight");
        match self {
            Self::Mean => total.div_scalar(entries as f64),
            Self::Sum => total,
            Self::L2 => total.sqrt(),
        }
    }
}
