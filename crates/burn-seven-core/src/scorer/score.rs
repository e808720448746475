//! The state of scorers whose only statistic is the score.

use burn::tensor::Tensor;

use crate::RecordState;

/// The state of a scorer whose only statistic is the score itself.
#[derive(Clone, Debug, RecordState)]
pub struct Score {
    /// The scores, shape `[n]`.
    pub value: Tensor<1>,
}

impl Score {
    /// A score of 0 for every entry of `weight`.
    pub fn zeros(weight: &Tensor<1>) -> Self {
        Self {
            value: weight.zeros_like(),
        }
    }
}
