//! A small CNN, with the parameters' names of `benches/contenders/models/cnn.py`.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// A convolution that keeps the picture's size, batch norm and ReLU.
#[derive(Module, Debug)]
struct Block {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Block {
    fn new([inputs, outputs]: [usize; 2], size: usize, device: &Device) -> Self {
        let conv = Conv2dConfig::new([inputs, outputs], [size, size])
            .with_padding(PaddingConfig2d::Same)
            .with_bias(false);
        Self {
            conv: conv.init(device),
            norm: BatchNormConfig::new(outputs).init(device),
        }
    }

    fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        relu(self.norm.forward(self.conv.forward(pictures)))
    }
}

/// Five blocks, two of them before the picture gets half as wide, and a linear head.
#[derive(Module, Debug)]
pub struct Cnn {
    stem: Block,
    fine: Block,
    wide: Block,
    mixed: Block,
    coarse: Block,
    half: MaxPool2d,
    mean: AdaptiveAvgPool2d,
    head: Linear,
}

impl Cnn {
    pub fn new(channels: usize, classes: usize, device: &Device) -> Self {
        let last = 4 * channels;
        Self {
            stem: Block::new([3, channels], 3, device),
            fine: Block::new([channels, channels], 3, device),
            wide: Block::new([channels, 2 * channels], 3, device),
            mixed: Block::new([2 * channels, last], 1, device),
            coarse: Block::new([last, last], 3, device),
            half: MaxPool2dConfig::new([2, 2]).init(),
            mean: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            head: LinearConfig::new(last, classes).init(device),
        }
    }

    /// Scores of the classes, shape `[batch, classes]`, of pictures, shape `[batch, 3, height, width]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let points = self.fine.forward(self.stem.forward(pictures));
        let points = self.wide.forward(self.half.forward(points));
        let points = self.half.forward(self.mixed.forward(points));
        let points = self.mean.forward(self.coarse.forward(points));
        self.head.forward(points.flatten(1, 3))
    }
}
