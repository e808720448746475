//! The vision Transformer, of Burn's own layers.

use burn::config::Config;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};

use super::Batch;

/// Patches of 2x2 pixels in a row or column of the image.
const GRID: usize = 4;

/// Configuration of the [`Vit`].
#[derive(Config, Debug)]
pub struct VitConfig {
    /// The width of tokens.
    #[config(default = 64)]
    pub d_model: usize,
    /// The width of the feed-forward layers.
    #[config(default = 128)]
    pub d_ff: usize,
    /// Attention heads.
    #[config(default = 4)]
    pub heads: usize,
    /// Encoder layers.
    #[config(default = 3)]
    pub layers: usize,
    /// Dropout.
    #[config(default = 0.1)]
    pub dropout: f64,
}

/// A vision Transformer for 8x8 images: 16 patches of 2x2 pixels, an encoder, the mean of its
/// tokens, a linear head.
#[derive(Module, Debug)]
pub struct Vit {
    patch: Linear,
    position: Embedding,
    encoder: TransformerEncoder,
    norm: LayerNorm,
    head: Linear,
}

impl VitConfig {
    /// A model of random weights.
    pub fn init(&self, device: &Device) -> Vit {
        let encoder =
            TransformerEncoderConfig::new(self.d_model, self.d_ff, self.heads, self.layers);
        Vit {
            patch: LinearConfig::new(4, self.d_model).init(device),
            position: EmbeddingConfig::new(GRID * GRID, self.d_model).init(device),
            encoder: encoder
                .with_dropout(self.dropout)
                .with_norm_first(true)
                .init(device),
            norm: LayerNormConfig::new(self.d_model).init(device),
            head: LinearConfig::new(self.d_model, 10).init(device),
        }
    }
}

impl Vit {
    /// Class scores, shape `[batch, 10]`, of images, shape `[batch, 8, 8]`.
    pub fn forward(&self, images: Tensor<3>) -> Tensor<2> {
        let [batch, _, _] = images.dims();
        let device = images.device();
        let patches = images
            .reshape([batch, GRID, 2, GRID, 2])
            .swap_dims(2, 3)
            .reshape([batch, GRID * GRID, 4]);
        let positions = Tensor::<1, Int>::arange(0..(GRID * GRID) as i64, &device);
        let positions = self.position.forward(positions.unsqueeze::<2>());
        let tokens = self.patch.forward(patches) + positions;
        let tokens = self.encoder.forward(TransformerEncoderInput::new(tokens));
        let pooled = self.norm.forward(tokens).mean_dim(1).squeeze_dim::<2>(1);
        self.head.forward(pooled)
    }

    /// The mean cross-entropy of a batch, shape `[1]`.
    pub fn loss(&self, batch: &Batch) -> Tensor<1> {
        let scores = self.forward(batch.images.clone());
        let loss = CrossEntropyLossConfig::new().init(&scores.device());
        loss.forward(scores, batch.labels.clone())
    }
}
