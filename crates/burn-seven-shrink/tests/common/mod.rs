//! Models of the kinds that the guide names, and pruning them.

#![allow(dead_code, missing_docs, clippy::unwrap_used)] // tests; not every one uses all of them

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::transformer::{
    TransformerDecoder, TransformerDecoderConfig, TransformerDecoderInput, TransformerEncoder,
    TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, Linear, LinearConfig, Lstm, LstmConfig,
    PaddingConfig2d, SwiGlu, SwiGluConfig,
};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::activation::{gelu, relu};
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn_seven_compile::Tensors;
use burn_seven_core::{
    MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, Sparsity, UniformBudget,
};
use burn_seven_shrink::{Encoder, Groups, Shrink, ShrinkReport, Sizes};

pub fn device() -> Device {
    Device::flex().autodiff()
}

pub fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device())
}

/// A model with half of the units of all its groups at zero, after a few steps of training, and the
/// same model cut. The outputs of both are compared, on another input too.
pub fn pruned_and_cut<M: Module, I: Tensors, const D: usize>(
    shrink: &Shrink<M>,
    model: M,
    [example, other]: [I; 2],
    forward: impl Fn(&M, I) -> Tensor<D>,
) -> (Groups, M, M, ShrinkReport) {
    let groups = shrink.groups(&model, &example, &forward).unwrap();
    let schedule = OneShotSchedule::new(1, Sparsity::new(0.5).unwrap());
    let mut pruner = PrunerConfig::new(schedule)
        .with_structure(groups.structure().unwrap())
        .with_selection(groups.selection().unwrap())
        .with_budget(UniformBudget)
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap();
    let mut model = pruner.attach(model).unwrap();
    let mut optim = SgdConfig::new().init();
    for _ in 0..3 {
        let loss = (forward(&model, example.clone()) - 0.1).square().mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = pruner.optimize(&mut optim, 1e-3, model, grads).unwrap();
    }
    let model = pruner.finish(model).unwrap();
    let (small, report) = shrink.shrink(&model, example, &forward).unwrap();
    let run = |model: &M| forward(&model.valid(), other.clone());
    let (expected, found) = (run(&model).inner(), run(&small).inner());
    let difference = (expected - found).abs().max().into_scalar::<f32>();
    assert!(difference < 1e-5, "{difference}\n{report}");
    (groups, model, small, report)
}

#[derive(Module, Debug)]
pub struct Mlp {
    pub first: Linear,
    pub second: Linear,
    pub head: Linear,
}

impl Mlp {
    pub fn new() -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        Self {
            first: linear(6, 16),
            second: linear(16, 12),
            head: linear(12, 3),
        }
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = relu(self.first.forward(x));
        self.head.forward(gelu(self.second.forward(x)))
    }
}

/// A vision Transformer: patches, an encoder, a head. Heads can be cut.
#[derive(Module, Debug)]
pub struct Vit {
    pub patch: Linear,
    pub encoder: Encoder,
    pub head: Linear,
}

impl Vit {
    pub fn new() -> Self {
        let encoder = TransformerEncoderConfig::new(16, 24, 4, 2).with_norm_first(true);
        Self {
            patch: LinearConfig::new(4, 16).init(&device()),
            encoder: encoder.with_dropout(0.0).init(&device()).into(),
            head: LinearConfig::new(16, 3).init(&device()),
        }
    }

    pub fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let [batch, ..] = x.dims();
        let patches = x
            .reshape([batch, 2, 2, 2, 2])
            .swap_dims(2, 3)
            .reshape([batch, 4, 4]);
        let tokens = self
            .encoder
            .forward(self.patch.forward(patches), None, None);
        self.head.forward(tokens.mean_dim(1).squeeze_dim::<2>(1))
    }
}

pub fn burn_encoder() -> TransformerEncoder {
    TransformerEncoderConfig::new(16, 24, 4, 2)
        .with_dropout(0.0)
        .init(&device())
}

pub fn encode(model: &TransformerEncoder, x: Tensor<3>) -> Tensor<3> {
    model.forward(TransformerEncoderInput::new(x))
}

pub fn burn_decoder() -> TransformerDecoder {
    TransformerDecoderConfig::new(16, 24, 4, 2)
        .with_dropout(0.0)
        .init(&device())
}

pub fn decode(model: &TransformerDecoder, (x, memory): (Tensor<3>, Tensor<3>)) -> Tensor<3> {
    model.forward(TransformerDecoderInput::new(x, memory))
}

fn conv(inputs: usize, outputs: usize, size: usize, groups: usize) -> Conv2d {
    Conv2dConfig::new([inputs, outputs], [size, size])
        .with_padding(PaddingConfig2d::Same)
        .with_groups(groups)
        .with_bias(false)
        .init(&device())
}

fn norm(channels: usize) -> BatchNorm {
    BatchNormConfig::new(channels).init(&device())
}

/// Two residual blocks, the second with a convolution on its shortcut.
#[derive(Module, Debug)]
pub struct ResNet {
    pub stem: Conv2d,
    pub norm: BatchNorm,
    pub conv_1: Conv2d,
    pub norm_1: BatchNorm,
    pub conv_2: Conv2d,
    pub norm_2: BatchNorm,
    pub conv_3: Conv2d,
    pub norm_3: BatchNorm,
    pub conv_4: Conv2d,
    pub norm_4: BatchNorm,
    pub shortcut: Conv2d,
    pub head: Linear,
}

impl ResNet {
    pub fn new() -> Self {
        Self {
            stem: conv(1, 8, 3, 1),
            norm: norm(8),
            conv_1: conv(8, 6, 3, 1),
            norm_1: norm(6),
            conv_2: conv(6, 8, 3, 1),
            norm_2: norm(8),
            conv_3: conv(8, 12, 3, 1),
            norm_3: norm(12),
            conv_4: conv(12, 10, 3, 1),
            norm_4: norm(10),
            shortcut: conv(8, 10, 1, 1),
            head: LinearConfig::new(10, 3).init(&device()),
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = relu(self.norm.forward(self.stem.forward(x)));
        let y = relu(self.norm_1.forward(self.conv_1.forward(x.clone())));
        let x = relu(x + self.norm_2.forward(self.conv_2.forward(y)));
        let y = relu(self.norm_3.forward(self.conv_3.forward(x.clone())));
        let y = self.norm_4.forward(self.conv_4.forward(y));
        let x = relu(y + self.shortcut.forward(x));
        let x = x.mean_dim(3).mean_dim(2).flatten::<2>(1, 3);
        self.head.forward(x)
    }
}

/// An inverted residual block: expand, depthwise, project.
#[derive(Module, Debug)]
pub struct MobileNet {
    pub stem: Conv2d,
    pub expand: Conv2d,
    pub norm: BatchNorm,
    pub depthwise: Conv2d,
    pub project: Conv2d,
    pub head: Linear,
}

impl MobileNet {
    pub fn new() -> Self {
        Self {
            stem: conv(1, 4, 3, 1),
            expand: conv(4, 12, 1, 1),
            norm: norm(12),
            depthwise: conv(12, 12, 3, 12),
            project: conv(12, 4, 1, 1),
            head: LinearConfig::new(4 * 16, 3).init(&device()),
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward(x);
        let y = relu(self.norm.forward(self.expand.forward(x.clone())));
        let y = relu(self.depthwise.forward(y));
        let x = x + self.project.forward(y);
        self.head.forward(x.flatten::<2>(1, 3))
    }

    pub fn numbers(&mut self, sizes: &Sizes) {
        self.depthwise.groups = sizes.size("depthwise.weight", 0);
    }
}

/// Token embeddings, an LSTM, a head.
#[derive(Module, Debug)]
pub struct Recurrent {
    pub embedding: Embedding,
    pub lstm: Lstm,
    pub head: Linear,
}

impl Recurrent {
    pub fn new() -> Self {
        Self {
            embedding: EmbeddingConfig::new(11, 6).init(&device()),
            lstm: LstmConfig::new(6, 8, true).init(&device()),
            head: LinearConfig::new(8, 3).init(&device()),
        }
    }

    pub fn forward(&self, x: Tensor<2, Int>) -> Tensor<3> {
        let (states, _) = self.lstm.forward(self.embedding.forward(x), None);
        self.head.forward(states)
    }

    pub fn numbers(&mut self, sizes: &Sizes) {
        self.lstm.d_hidden = sizes.size("lstm.input_gate.hidden_transform.weight", 0);
    }
}

/// A gated feed-forward layer, and two branches that are concatenated.
#[derive(Module, Debug)]
pub struct Gated {
    pub glu: SwiGlu,
    pub left: Linear,
    pub right: Linear,
    pub head: Linear,
}

impl Gated {
    pub fn new() -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        Self {
            glu: SwiGluConfig::new(6, 10).init(&device()),
            left: linear(10, 8),
            right: linear(10, 4),
            head: linear(12, 3),
        }
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = self.glu.forward(x);
        let branches = vec![
            relu(self.left.forward(x.clone())),
            relu(self.right.forward(x)),
        ];
        self.head.forward(Tensor::cat(branches, 1))
    }
}

pub fn tokens<const N: usize, const L: usize>(seed: i64) -> Tensor<2, Int> {
    let ids: Vec<i64> = (0..(N * L) as i64).map(|at| (at * 7 + seed) % 11).collect();
    Tensor::<1, Int>::from_ints(ids.as_slice(), &device()).reshape([N, L])
}
