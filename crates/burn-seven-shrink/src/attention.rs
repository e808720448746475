//! Multi-head attention without numbers that bind it to its width.

use burn::module::Module;
use burn::nn::attention::MultiHeadAttention;
use burn::nn::{Dropout, Linear};
use burn::tensor::activation::{quiet_softmax, softmax};
use burn::tensor::{Bool, Tensor};

/// Burn's `MultiHeadAttention`, of which heads can be cut.
///
/// Burn's own reshapes to as many channels as its input has, so that no head can go. This one takes
/// the number of heads from its query weight. Parameters have the same paths, shapes and order, so that
/// records of Burn's load into it, and [`from`](From) makes one of the other.
#[derive(Module, Debug)]
pub struct Attention {
    /// Query, `[d_model, heads * d_k]`.
    pub query: Linear,
    /// Key, `[d_model, heads * d_k]`.
    pub key: Linear,
    /// Value, `[d_model, heads * d_v]`.
    pub value: Linear,
    /// Output, `[heads * d_v, d_model]`.
    pub output: Linear,
    /// Dropout of attention weights.
    pub dropout: Dropout,
    /// The channels of a head's query and key.
    pub d_k: usize,
    /// What scores are set to where they are masked.
    pub min_float: f64,
    /// Whether `1` is added to softmax's denominator.
    pub quiet_softmax: bool,
}

impl From<MultiHeadAttention> for Attention {
    fn from(other: MultiHeadAttention) -> Self {
        Self {
            query: other.query,
            key: other.key,
            value: other.value,
            output: other.output,
            dropout: other.dropout,
            d_k: other.d_k,
            min_float: other.min_float,
            quiet_softmax: other.quiet_softmax,
        }
    }
}

impl Attention {
    /// How many heads there are.
    pub fn heads(&self) -> usize {
        let [_, width] = self.query.weight.dims();
        width / self.d_k
    }

    /// What attention adds to `x`, shape `[batch, length, d_model]`, with keys and values of `memory`,
    /// shape `[batch, length of memory, d_model]`, which is `x` itself for self-attention.
    ///
    /// `mask_pad`, shape `[batch, length of memory]`, and `mask_attn`, shape `[batch, length, length of
    /// memory]`, are true where nothing is to be seen.
    pub fn forward(
        &self,
        x: Tensor<3>,
        memory: Tensor<3>,
        mask_pad: Option<Tensor<2, Bool>>,
        mask_attn: Option<Tensor<3, Bool>>,
    ) -> Tensor<3> {
        let heads = self.heads();
        let split = |tensor: Tensor<3>| -> Tensor<4> {
            let [batch, length, width] = tensor.dims();
            tensor
                .reshape([batch, length, heads, width / heads])
                .swap_dims(1, 2)
        };
        let query = split(self.query.forward(x));
        let key = split(self.key.forward(memory.clone()));
        let value = split(self.value.forward(memory));
        let mut scores = query
            .matmul(key.transpose())
            .div_scalar((self.d_k as f64).sqrt());
        if let Some(mask) = mask_pad {
            let [batch, length] = mask.dims();
            scores = scores.mask_fill(mask.reshape([batch, 1, 1, length]), self.min_float);
        }
        if let Some(mask) = mask_attn {
            let [batch, one, other] = mask.dims();
            scores = scores.mask_fill(mask.reshape([batch, 1, one, other]), self.min_float);
        }
        let weights = match self.quiet_softmax {
            true => quiet_softmax(scores, 3),
            false => softmax(scores, 3),
        };
        let context = self.dropout.forward(weights).matmul(value).swap_dims(1, 2);
        let [batch, length, heads, width] = context.dims();
        self.output
            .forward(context.reshape([batch, length, heads * width]))
    }
}
