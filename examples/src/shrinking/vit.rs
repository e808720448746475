//! The digits' vision Transformer, with an encoder of which heads can be cut.

use burn::module::Module;
use burn::nn::transformer::TransformerEncoderConfig;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};
use burn_seven::shrink::Encoder;

use super::Classifier;

/// Patches in a row, and pixels in a row of a patch.
const GRID: usize = 4;
const PATCH: usize = 2;

/// A vision Transformer for images of 8 x 8: 16 tokens of width 64, three layers of 4 heads and 128 neurons.
#[derive(Module, Debug)]
pub struct Vit {
    patch: Linear,
    position: Embedding,
    encoder: Encoder,
    norm: LayerNorm,
    head: Linear,
}

impl Vit {
    /// A model of random weights.
    pub fn new(device: &Device) -> Self {
        let encoder = TransformerEncoderConfig::new(64, 128, 4, 3).with_norm_first(true);
        Self {
            patch: LinearConfig::new(PATCH * PATCH, 64).init(device),
            position: EmbeddingConfig::new(GRID * GRID, 64).init(device),
            encoder: encoder.init(device).into(),
            norm: LayerNormConfig::new(64).init(device),
            head: LinearConfig::new(64, 10).init(device),
        }
    }
}

impl Classifier for Vit {
    fn forward(&self, images: Tensor<3>) -> Tensor<2> {
        let ([batch, ..], device) = (images.dims(), images.device());
        let patches = images
            .reshape([batch, GRID, PATCH, GRID, PATCH])
            .swap_dims(2, 3)
            .reshape([batch, GRID * GRID, PATCH * PATCH]);
        let places = Tensor::<1, Int>::arange(0..(GRID * GRID) as i64, &device);
        let places = self.position.forward(places.unsqueeze::<2>());
        let tokens = self.patch.forward(patches) + places;
        let tokens = self.norm.forward(self.encoder.forward(tokens, None, None));
        self.head.forward(tokens.mean_dim(1).squeeze_dim::<2>(1))
    }
}
