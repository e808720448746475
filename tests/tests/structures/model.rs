//! A small model with one of everything that structures are about.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::optim::GradientsParams;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use burn_seven_tests::model::{Noise, seeded};

/// Named as in Burn's `MultiHeadAttention`.
#[derive(Module, Debug)]
pub struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
}

/// Named as in Burn's `PositionWiseFeedForward`.
#[derive(Module, Debug)]
pub struct FeedForward {
    linear_inner: Linear,
    linear_outer: Linear,
}

#[derive(Module, Debug)]
pub struct Model {
    conv: Conv2d,
    mha: Attention,
    pwff: FeedForward,
    up: ConvTranspose2d,
}

/// Each selected weight's path and shape, in the model's order.
pub const WEIGHTS: [(&str, &[usize]); 8] = [
    ("conv.weight", &[8, 4, 3, 3]),
    ("mha.query.weight", &[8, 8]),
    ("mha.key.weight", &[8, 8]),
    ("mha.value.weight", &[8, 8]),
    ("mha.output.weight", &[8, 8]),
    ("pwff.linear_inner.weight", &[8, 12]),
    ("pwff.linear_outer.weight", &[12, 8]),
    ("up.weight", &[8, 4, 3, 3]),
];

impl Model {
    /// The same on every backend.
    pub fn new(seed: u64, device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        let model = Self {
            conv: Conv2dConfig::new([4, 8], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device),
            mha: Attention {
                query: linear(8, 8),
                key: linear(8, 8),
                value: linear(8, 8),
                output: linear(8, 8),
            },
            pwff: FeedForward {
                linear_inner: linear(8, 12),
                linear_outer: linear(12, 8),
            },
            up: ConvTranspose2dConfig::new([8, 4], [3, 3]).init(device),
        };
        seeded(model, seed)
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let [batch, _, height, width] = images.dims();
        let tokens = self.conv.forward(images).tanh();
        let tokens = tokens.reshape([batch, 8, height * width]).swap_dims(1, 2);
        let (mha, pwff) = (&self.mha, &self.pwff);
        let attention = mha
            .query
            .forward(tokens.clone())
            .matmul(mha.key.forward(tokens.clone()).swap_dims(1, 2));
        let mixed = softmax(attention, 2).matmul(mha.value.forward(tokens.clone()));
        let tokens = tokens + mha.output.forward(mixed);
        let inner = pwff.linear_inner.forward(tokens.clone()).tanh();
        let tokens = tokens + pwff.linear_outer.forward(inner);
        let tokens = tokens.swap_dims(1, 2).reshape([batch, 8, height, width]);
        self.up.forward(tokens)
    }

    /// The images of a step.
    pub fn images(step: u64, device: &Device) -> Tensor<4> {
        let mut noise = Noise::new(500 + step);
        let values: Vec<f32> = (0..2 * 4 * 3 * 3).map(|_| noise.next()).collect();
        Tensor::<1>::from_floats(values.as_slice(), device).reshape([2, 4, 3, 3])
    }

    pub fn loss(&self, images: Tensor<4>) -> Tensor<1> {
        (self.forward(images) - 0.3).square().mean()
    }

    pub fn gradients(&self, step: u64, device: &Device) -> GradientsParams {
        let loss = self.loss(Self::images(step, device));
        GradientsParams::from_grads(loss.backward(), self)
    }
}
