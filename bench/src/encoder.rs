//! An encoder like a small BERT.

use burn::config::Config;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};

/// Configuration of the [`Encoder`].
#[derive(Config, Debug)]
pub struct EncoderConfig {
    /// Encoder layers.
    #[config(default = 6)]
    pub layers: usize,
    /// The width of tokens; the feed-forward layers are four times as wide.
    #[config(default = 384)]
    pub width: usize,
    /// Attention heads.
    #[config(default = 12)]
    pub heads: usize,
    /// How many tokens are known.
    #[config(default = 1000)]
    pub vocabulary: usize,
}

/// Embedding, encoder, and a classifier on the mean of the tokens.
#[derive(Module, Debug)]
pub struct Encoder {
    embedding: Embedding,
    encoder: TransformerEncoder,
    head: Linear,
}

/// Tokens, shape `[batch, length]`, and classes, shape `[batch]`.
#[derive(Debug, Clone)]
pub struct Batch {
    tokens: Tensor<2, Int>,
    classes: Tensor<1, Int>,
}

impl EncoderConfig {
    /// A model of random weights.
    pub fn init(&self, device: &Device) -> Encoder {
        let width = self.width;
        let encoder = TransformerEncoderConfig::new(width, 4 * width, self.heads, self.layers);
        Encoder {
            embedding: EmbeddingConfig::new(self.vocabulary, width).init(device),
            encoder: encoder.with_dropout(0.0).init(device),
            head: LinearConfig::new(width, 2).init(device),
        }
    }

    /// A batch of random tokens.
    pub fn batch(&self, size: usize, length: usize, device: &Device) -> Batch {
        let below = |count: usize| Distribution::Uniform(0.0, count as f64);
        Batch {
            tokens: Tensor::<2>::random([size, length], below(self.vocabulary), device).int(),
            classes: Tensor::<1>::random([size], below(2), device).int(),
        }
    }
}

impl Encoder {
    /// The mean cross-entropy of a batch.
    pub fn loss(&self, batch: &Batch) -> Tensor<1> {
        let tokens = self.embedding.forward(batch.tokens.clone());
        let tokens = self.encoder.forward(TransformerEncoderInput::new(tokens));
        let classes = self.head.forward(tokens.mean_dim(1).squeeze_dim::<2>(1));
        let device = classes.device();
        CrossEntropyLossConfig::new()
            .init(&device)
            .forward(classes, batch.classes.clone())
    }
}
