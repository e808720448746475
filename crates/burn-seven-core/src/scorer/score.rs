//! The state of scorers whose only statistic is the score.

use burn::tensor::Tensor;

use crate::RecordState;

/// The state of a scorer whose only statistic is the score itself.
#[derive(Clone, Debug, RecordState)]
pub struct Score {
    /// The scores, shape `[n]`.
    pub value: Tensor<1>,
}

impl From<Tensor<1>> for Score {
    fn from(value: Tensor<1>) -> Self {
        Self { value }
    }
}
