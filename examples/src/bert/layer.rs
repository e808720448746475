//! One layer of the encoder.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Tensor};

use super::BertConfig;
use super::attention::Attention;

/// Attention and a feed-forward part, each added to its input and then normalized.
#[derive(Module, Debug)]
pub struct Layer {
    attention: Attention,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
    dropout: Dropout,
}

impl Layer {
    pub(super) fn new(config: &BertConfig, device: &Device) -> Self {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let norm = LayerNormConfig::new(width).with_epsilon(config.layer_norm_eps);
        Self {
            attention: Attention::new(config, device),
            attention_norm: norm.init(device),
            up: config.linear(width, inner, device),
            down: config.linear(inner, width, device),
            output_norm: norm.init(device),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
        }
    }

    /// Tokens of shape `[batch * length, width]` to tokens of the same shape; `bias` is
    /// attention's, shape `[batch, 1, 1, length]`.
    pub(super) fn forward(&self, tokens: Tensor<2>, bias: Tensor<4>) -> Tensor<2> {
        let taken = self.attention.forward(tokens.clone(), bias);
        let tokens = self
            .attention_norm
            .forward(tokens + self.dropout.forward(taken));
        let inner = gelu(self.up.forward(tokens.clone()));
        let outer = self.down.forward(inner);
        self.output_norm
            .forward(tokens + self.dropout.forward(outer))
    }
}
