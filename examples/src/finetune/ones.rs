//! SynFlow's input.

use burn::tensor::{Bool, Device, Int, Tensor};

use crate::bert::Bert;

/// Tokens of an input of ones.
const LENGTH: usize = 8;

/// Hidden states, shape `[1, 8, width]`, of an input whose words' vectors are ones (words
/// themselves have none), and its mask, which is true everywhere.
pub(super) fn of_ones(bert: &Bert, device: &Device) -> (Tensor<3>, Tensor<2, Bool>) {
    let mask = Tensor::<2>::ones([1, LENGTH], device).greater_scalar(0.0);
    let words = Tensor::ones([1, LENGTH, bert.width()], device);
    let types = Tensor::<2, Int>::zeros([1, LENGTH], device);
    let hidden = bert.encode(bert.embed_words(words, types), mask.clone());
    (hidden, mask)
}
