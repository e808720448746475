//! The encoder.

use burn::module::Module;
use burn::tensor::{Bool, Device, Int, Tensor};

use super::attention::padding_bias;
use super::embeddings::Embeddings;
use super::layer::Layer;
use super::{BertBatch, BertConfig};

/// BERT's encoder without a pooler: embeddings and layers that normalize after each sum.
///
/// Dropout acts on devices with autodiff only. <https://arxiv.org/abs/1810.04805>
#[derive(Module, Debug)]
pub struct Bert {
    embeddings: Embeddings,
    layers: Vec<Layer>,
}

impl Bert {
    pub(super) fn new(config: &BertConfig, device: &Device) -> Self {
        Self {
            embeddings: Embeddings::new(config, device),
            layers: (0..config.num_hidden_layers)
                .map(|_| Layer::new(config, device))
                .collect(),
        }
    }

    /// Hidden states after the last layer, shape `[batch, length, width]`. Those of padding mean
    /// nothing.
    ///
    /// # Panics
    ///
    /// As [`embed`](Self::embed).
    pub fn forward(&self, batch: &BertBatch) -> Tensor<3> {
        let embedded = self.embed(batch.ids.clone(), batch.types.clone());
        self.encode(embedded, batch.mask.clone())
    }

    /// What the first layer reads, shape `[batch, length, width]`, of the tokens' numbers and the
    /// parts that they belong to, shape `[batch, length]`.
    ///
    /// # Panics
    ///
    /// As Burn's tensors do: for a sequence that is longer than the model has positions, a number
    /// outside the vocabulary, or tensors of different shapes or devices.
    pub fn embed(&self, ids: Tensor<2, Int>, types: Tensor<2, Int>) -> Tensor<3> {
        self.embeddings.forward(ids, types)
    }

    /// [`embed`](Self::embed) for words that are vectors already, shape `[batch, length, width]`.
    ///
    /// # Panics
    ///
    /// As [`embed`](Self::embed).
    pub fn embed_words(&self, words: Tensor<3>, types: Tensor<2, Int>) -> Tensor<3> {
        self.embeddings.of_words(words, types)
    }

    /// Hidden states after the last layer, shape `[batch, length, width]`, of what the first layer
    /// reads, of the same shape, and a mask, shape `[batch, length]`, that is true for tokens.
    ///
    /// # Panics
    ///
    /// As Burn's tensors do: for shapes or devices that do not fit.
    pub fn encode(&self, embedded: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<3> {
        let shape = embedded.dims();
        let [batch, length, width] = shape;
        let bias = padding_bias(mask, embedded.dtype());
        let tokens = embedded.reshape([batch * length, width]);
        let tokens = self
            .layers
            .iter()
            .fold(tokens, |tokens, layer| layer.forward(tokens, bias.clone()));
        tokens.reshape(shape)
    }

    /// The width of hidden states.
    pub fn width(&self) -> usize {
        self.embeddings.width()
    }

    /// The same model whose tables of words, positions and parts are not trained: their many
    /// entries would cost an optimizer more time than all layers. Their normalization is trained.
    pub fn freeze_embeddings(self) -> Self {
        Self {
            embeddings: self.embeddings.freeze_tables(),
            ..self
        }
    }
}
