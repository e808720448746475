//! Random models, of random layers in a random order, compute what they compute uncompiled.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, Lstm, LstmConfig, PaddingConfig1d, RmsNorm, RmsNormConfig, SwiGlu, SwiGluConfig,
};
use burn::tensor::activation::{gelu, gelu_approximate, relu, sigmoid, silu, softmax, tanh};
use burn::tensor::{Bool, Tensor};
use burn_seven_compile::{CompileConfig, Products};
use proptest::prelude::*;

use common::{device, distance, floats, integers, prune};

/// A layer from vectors to vectors of one width.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // there are a handful of them
enum Layer {
    Linear(Linear),
    Gate(SwiGlu),
    Attention(MultiHeadAttention),
    Norm(LayerNorm),
    Rms(RmsNorm),
    Convolution(Conv1d),
    Batch(BatchNorm),
    Recurrent(Lstm),
    Dropout(Dropout),
}

const KINDS: u8 = 9;

impl Layer {
    fn new(kind: u8, heads: usize) -> Self {
        let (width, device) = (4 * heads, device());
        match kind {
            0 => Self::Linear(LinearConfig::new(width, width).init(&device)),
            1 => Self::Gate(SwiGluConfig::new(width, width).init(&device)),
            2 => Self::Attention(MultiHeadAttentionConfig::new(width, heads).init(&device)),
            3 => Self::Norm(LayerNormConfig::new(width).init(&device)),
            4 => Self::Rms(RmsNormConfig::new(width).init(&device)),
            5 => {
                let config = Conv1dConfig::new(width, width, 3);
                Self::Convolution(config.with_padding(PaddingConfig1d::Same).init(&device))
            }
            6 => Self::Batch(BatchNormConfig::new(width).init(&device)),
            7 => Self::Recurrent(LstmConfig::new(width, width, true).init(&device)),
            _ => Self::Dropout(DropoutConfig::new(0.5).init()),
        }
    }

    fn forward(&self, x: Tensor<3>, pad: &Tensor<2, Bool>) -> Tensor<3> {
        match self {
            Self::Linear(layer) => layer.forward(x),
            Self::Gate(layer) => layer.forward(x),
            Self::Attention(layer) => {
                layer
                    .forward(MhaInput::self_attn(x).mask_pad(pad.clone()))
                    .context
            }
            Self::Norm(layer) => layer.forward(x),
            Self::Rms(layer) => layer.forward(x),
            Self::Convolution(layer) => layer.forward(x.swap_dims(1, 2)).swap_dims(1, 2),
            Self::Batch(layer) => layer.forward(x.swap_dims(1, 2)).swap_dims(1, 2),
            Self::Recurrent(layer) => layer.forward(x, None).0,
            Self::Dropout(layer) => layer.forward(x),
        }
    }
}

/// What follows a layer.
fn after(kind: u8, x: Tensor<3>, before: Tensor<3>) -> Tensor<3> {
    match kind {
        0 => relu(x),
        1 => gelu(x),
        2 => gelu_approximate(x),
        3 => silu(x),
        4 => sigmoid(x) * before,
        5 => tanh(x),
        6 => softmax(x, 2),
        7 => x + before,
        8 => relu(x + before),
        9 => x.swap_dims(1, 2).swap_dims(1, 2) - before,
        _ => x,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_stack_of_layers(
        kinds in prop::collection::vec((0..KINDS, 0u8..12), 1..7), heads in 1usize..4,
        shapes in prop::array::uniform2((1usize..4, 1usize..12)), sparsity in 0.3f64..0.95,
        fuse: bool, seed: u16,
    ) {
        let layers: Vec<Layer> = kinds.iter().map(|(kind, _)| Layer::new(*kind, heads)).collect();
        let model = prune(layers, sparsity);
        let forward = move |model: &Vec<Layer>, (mut x, pad): (Tensor<3>, Tensor<2, Bool>)| {
            for (layer, (_, kind)) in model.iter().zip(&kinds) {
                x = after(*kind, layer.forward(x.clone(), &pad), x);
            }
            x
        };
        let inputs = shapes.map(|(batch, tokens)| {
            let x = floats([batch, tokens, 4 * heads], seed.into());
            (x, integers([batch, tokens], 3, seed.into()).equal_elem(0))
        });
        let config = CompileConfig::new().with_products(Products::Sparse).with_fuse(fuse);
        let fast = config.compile(&model, inputs[0].clone(), forward.clone()).unwrap();
        for inputs in inputs {
            let found = fast.run(inputs.clone()).unwrap();
            let off = distance(found, forward(&model, inputs));
            prop_assert!(off < 1e-5, "{off} {}", fast.report().unwrap());
        }
    }
}
