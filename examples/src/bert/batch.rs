//! What the encoder reads.

use burn::tensor::{Bool, Int, Tensor};

/// Token sequences of equal length, padded at the end.
#[derive(Clone, Debug)]
pub struct BertBatch {
    /// The tokens' numbers in the vocabulary, shape `[batch, length]`.
    pub ids: Tensor<2, Int>,
    /// Which part of the input a token belongs to, 0 or 1, shape `[batch, length]`.
    pub types: Tensor<2, Int>,
    /// True for a token, false for padding, shape `[batch, length]`.
    pub mask: Tensor<2, Bool>,
}
