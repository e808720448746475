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

/// Configuration of the [`Vit`].
#[derive(Config, Debug)]
pub struct VitConfig {
    /// Pixels in a row or column of an image.
    #[config(default = 8)]
    pub side: usize,
    /// Pixels in a row or column of a patch, a divisor of the image's.
    #[config(default = 2)]
    pub patch: usize,
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

/// A vision Transformer for small grey images: a token for each patch of pixels (16 of 2x2 by
/// default), an encoder, the mean of its tokens, a linear head for ten classes.
#[derive(Module, Debug)]
pub struct Vit {
    /// Patches in a row or column of the image.
    grid: usize,
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
        let grid = self.side / self.patch;
        Vit {
            grid,
            patch: LinearConfig::new(self.patch * self.patch, self.d_model).init(device),
            position: EmbeddingConfig::new(grid * grid, self.d_model).init(device),
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
    /// Class scores, shape `[batch, 10]`, of images, shape `[batch, side, side]`.
    pub fn forward(&self, images: Tensor<3>) -> Tensor<2> {
        let [batch, _, _] = images.dims();
        let device = images.device();
        let (grid, patch) = (self.grid, self.patch_side());
        let patches = images
            .reshape([batch, grid, patch, grid, patch])
            .swap_dims(2, 3)
            .reshape([batch, grid * grid, patch * patch]);
        let positions = Tensor::<1, Int>::arange(0..(grid * grid) as i64, &device);
        let positions = self.position.forward(positions.unsqueeze::<2>());
        let tokens = self.patch.forward(patches) + positions;
        let tokens = self.encoder.forward(TransformerEncoderInput::new(tokens));
        let pooled = self.norm.forward(tokens).mean_dim(1).squeeze_dim::<2>(1);
        self.head.forward(pooled)
    }

    /// The mean cross-entropy of a batch, shape `[1]`.
    pub fn loss(&self, batch: &Batch) -> Tensor<1> {
        self.tempered_loss(batch, 1.0)
    }

    /// [`loss`](Self::loss) of class scores divided by `temperature`.
    pub fn tempered_loss(&self, batch: &Batch, temperature: f64) -> Tensor<1> {
        let scores = self.forward(batch.images.clone()).div_scalar(temperature);
        let loss = CrossEntropyLossConfig::new().init(&scores.device());
        loss.forward(scores, batch.labels.clone())
    }

    /// The sum of all class scores of an image of ones (SynFlow's R), shape `[1]`.
    pub fn flow(&self, device: &Device) -> Tensor<1> {
        let side = self.grid * self.patch_side();
        self.forward(Tensor::ones([1, side, side], device)).sum()
    }

    fn patch_side(&self) -> usize {
        let [pixels, _] = self.patch.weight.shape().dims();
        pixels.isqrt()
    }
}
