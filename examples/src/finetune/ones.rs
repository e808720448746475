//! SynFlow's input.

use burn::tensor::{Bool, Device, Tensor};

use crate::bert::Bert;

/// Tokens of an input of ones.
const LENGTH: usize = 8;

/// An input of ones in the place of embedded tokens, shape `[1, 8, width]`, none of it padding:
/// words have no ones.
pub(super) fn ones(bert: &Bert, device: &Device) -> (Tensor<3>, Tensor<2, Bool>) {
    let mask = Tensor::<2>::ones([1, LENGTH], device).greater_scalar(0.0);
    (Tensor::ones([1, LENGTH, bert.width()], device), mask)
}
