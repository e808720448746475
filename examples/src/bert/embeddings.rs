//! From tokens to vectors.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Int, Tensor};

use super::BertConfig;

/// The sum of a token's, its position's and its part's vector, normalized.
#[derive(Module, Debug)]
pub struct Embeddings {
    word: Embedding,
    position: Embedding,
    token_type: Embedding,
    norm: LayerNorm,
    dropout: Dropout,
}

impl Embeddings {
    pub(super) fn new(config: &BertConfig, device: &Device) -> Self {
        let width = config.hidden_size;
        let table = |rows| {
            EmbeddingConfig::new(rows, width)
                .with_initializer(config.initializer())
                .init(device)
        };
        Self {
            word: table(config.vocab_size),
            position: table(config.max_position_embeddings),
            token_type: table(config.type_vocab_size),
            norm: LayerNormConfig::new(width)
                .with_epsilon(config.layer_norm_eps)
                .init(device),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
        }
    }

    /// Vectors, shape `[batch, length, width]`, of tokens and parts, shape `[batch, length]`.
    pub(super) fn forward(&self, ids: Tensor<2, Int>, types: Tensor<2, Int>) -> Tensor<3> {
        self.of_words(self.word.forward(ids), types)
    }

    /// The same for words that are vectors already, shape `[batch, length, width]`.
    pub(super) fn of_words(&self, words: Tensor<3>, types: Tensor<2, Int>) -> Tensor<3> {
        let [_, length, _] = words.dims();
        let positions = self.position.weight.val().narrow(0, 0, length);
        let sum = words + self.token_type.forward(types) + positions.unsqueeze_dim::<3>(0);
        self.dropout.forward(self.norm.forward(sum))
    }

    /// The width of tokens.
    pub(super) fn width(&self) -> usize {
        let [_, width] = self.word.weight.shape().dims();
        width
    }

    /// The tables need no gradients any more.
    pub(super) fn freeze_tables(self) -> Self {
        Self {
            word: self.word.no_grad(),
            position: self.position.no_grad(),
            token_type: self.token_type.no_grad(),
            ..self
        }
    }
}
