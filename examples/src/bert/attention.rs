//! Self-attention.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, DType, Device, Tensor};

use super::BertConfig;

/// Self-attention of several heads.
///
/// Tokens come as rows of one matrix, shape `[batch * length, width]`, so that each projection and
/// each weight's gradient is a single product of matrices.
#[derive(Module, Debug)]
pub struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    dropout: Dropout,
    heads: usize,
}

impl Attention {
    pub(super) fn new(config: &BertConfig, device: &Device) -> Self {
        let width = config.hidden_size;
        let linear = || config.linear(width, width, device);
        Self {
            query: linear(),
            key: linear(),
            value: linear(),
            output: linear(),
            dropout: DropoutConfig::new(config.attention_probs_dropout_prob).init(),
            heads: config.num_attention_heads,
        }
    }

    /// What each token takes from the others, shape `[batch * length, width]`, of tokens of the
    /// same shape and what [`padding_bias`] gives.
    pub(super) fn forward(&self, tokens: Tensor<2>, bias: Tensor<4>) -> Tensor<2> {
        let [rows, width] = tokens.dims();
        let [batch, _, _, length] = bias.dims();
        let size = width / self.heads;
        let split = |rows: Tensor<2>| rows.reshape([batch, length, self.heads, size]);

        // Scaled before the product: there are fewer queries than scores.
        let query = self.query.forward(tokens.clone()) * (size as f64).powf(-0.5);
        let query = split(query).permute([0, 2, 1, 3]);
        let key = split(self.key.forward(tokens.clone())).permute([0, 2, 3, 1]);
        let value = split(self.value.forward(tokens)).permute([0, 2, 1, 3]);

        let weights = softmax(query.matmul(key) + bias, 3);
        let taken = self.dropout.forward(weights).matmul(value);
        self.output
            .forward(taken.permute([0, 2, 1, 3]).reshape([rows, width]))
    }
}

/// What to add to scores so that no token looks at padding, shape `[batch, 1, 1, length]`: 0 for
/// tokens, the lowest number of `dtype` for padding.
pub(super) fn padding_bias(mask: Tensor<2, Bool>, dtype: DType) -> Tensor<4> {
    let lowest = dtype.finfo().map_or(f64::from(f32::MIN), |info| info.min);
    let [batch, length] = mask.dims();
    let padding = mask.bool_not().float().cast(dtype) * lowest;
    padding.reshape([batch, 1, 1, length])
}
