//! A small convolutional network with a residual block.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::Classifier;

/// Four convolutions of 3 x 3 with batch norm, two of them in a residual block, and a linear head.
#[derive(Module, Debug)]
pub struct Cnn {
    first: Conv2d,
    norm_1: BatchNorm,
    second: Conv2d,
    norm_2: BatchNorm,
    pool: MaxPool2d,
    third: Conv2d,
    norm_3: BatchNorm,
    fourth: Conv2d,
    norm_4: BatchNorm,
    head: Linear,
}

impl Cnn {
    /// A model of random weights.
    pub fn new(device: &Device) -> Self {
        let convolution = |inputs, outputs| {
            Conv2dConfig::new([inputs, outputs], [3, 3])
                .with_padding(PaddingConfig2d::Same)
                .with_bias(false)
                .init(device)
        };
        let norm = |channels| BatchNormConfig::new(channels).init(device);
        Self {
            first: convolution(1, 24),
            norm_1: norm(24),
            second: convolution(24, 48),
            norm_2: norm(48),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            third: convolution(48, 64),
            norm_3: norm(64),
            fourth: convolution(64, 48),
            norm_4: norm(48),
            head: LinearConfig::new(48 * 16, 10).init(device),
        }
    }
}

impl Classifier for Cnn {
    fn forward(&self, images: Tensor<3>) -> Tensor<2> {
        let x = images.unsqueeze_dim::<4>(1);
        let x = relu(self.norm_1.forward(self.first.forward(x)));
        let x = relu(self.norm_2.forward(self.second.forward(x)));
        let x = self.pool.forward(x);
        let y = relu(self.norm_3.forward(self.third.forward(x.clone())));
        let x = relu(x + self.norm_4.forward(self.fourth.forward(y)));
        self.head.forward(x.flatten::<2>(1, 3))
    }
}
