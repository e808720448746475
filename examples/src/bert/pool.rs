//! One vector for a sequence.

use burn::tensor::{Bool, Tensor};

/// The mean over a sequence's tokens, padding left out, shape `[batch, width]`, of hidden states,
/// shape `[batch, length, width]`, and a mask, shape `[batch, length]`, that is true for tokens.
/// The mean of no tokens is 0.
pub fn mean_pooled(hidden: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<2> {
    let tokens = mask.float().cast(hidden.dtype());
    let share = tokens.clone() / tokens.sum_dim(1).clamp_min(1.0);
    share
        .unsqueeze_dim::<3>(1)
        .matmul(hidden)
        .squeeze_dim::<2>(1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn padding_does_not_count_and_no_tokens_give_zero() {
        let device = burn_seven::device();
        let hidden = Tensor::from_data(
            [
                [[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]],
                [[7.0; 2], [7.0; 2], [7.0; 2]],
            ],
            &device,
        );
        let mask = Tensor::from_data([[true, true, false], [false; 3]], &device);
        let expected = TensorData::from([[2.0_f32, 4.0], [0.0, 0.0]]);
        mean_pooled(hidden, mask)
            .into_data()
            .assert_eq(&expected, true);
    }
}
