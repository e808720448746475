//! Laws of each fusion: on random shapes and values the fused graph gives what the unfused one
//! gives.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, PaddingConfig1d, PaddingConfig2d, RmsNorm, RmsNormConfig,
};
use burn::tensor::activation::{
    gelu, gelu_approximate, hard_sigmoid, hard_swish, relu, relu6, sigmoid, silu, softmax, tanh,
};
use burn::tensor::module::{adaptive_avg_pool2d, attention, avg_pool2d, max_pool2d};
use burn::tensor::ops::{AttentionModuleOptions, AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Bool, Int, Tensor};
use burn_seven_compile::{CompileConfig, Compiled, Products, Tensors};
use proptest::prelude::*;

use common::{Numbers, device, distance, floats, has, integers, of_burn, prune};

/// The fused model, compared with the unfused one.
fn fused<M, I, O>(
    model: &M,
    inputs: I,
    forward: impl Fn(&M, I) -> O + Clone + Send + Sync + 'static,
) -> Compiled<I, O>
where
    M: Module + Send + Sync + 'static,
    I: Tensors,
    O: Tensors + Numbers,
{
    let config = CompileConfig::new().with_products(Products::Dense);
    let plain = config.clone().with_fuse(false);
    let plain = plain
        .compile(model, inputs.clone(), forward.clone())
        .unwrap();
    let sparse = config.with_products(Products::Sparse);
    let fused = sparse.compile(model, inputs.clone(), forward).unwrap();
    let off = distance(
        fused.run(inputs.clone()).unwrap(),
        plain.run(inputs).unwrap(),
    );
    assert!(off < 1e-5, "{off}");
    fused
}

fn linear(inputs: usize, outputs: usize, bias: bool, sparsity: f64) -> Linear {
    prune(
        LinearConfig::new(inputs, outputs)
            .with_bias(bias)
            .init(&device()),
        sparsity,
    )
}

/// What the report calls activation functions.
const FUNCTIONS: [&str; 11] = [
    "Relu",
    "Gelu",
    "GeluTanh",
    "Silu",
    "Sigmoid",
    "Tanh",
    "HardSwish",
    "HardSigmoid { alpha: 0.7, beta: 0.4 }",
    "Clamp { min: 0.0, max: 6.0 }",
    "Clamp { min: -0.2, max: 0.3 }",
    "Clamp { min: -0.2, max: inf }",
];

fn activated<const D: usize>(function: usize, x: Tensor<D>) -> Tensor<D> {
    match function {
        0 => relu(x),
        1 => gelu(x),
        2 => gelu_approximate(x),
        3 => silu(x),
        4 => sigmoid(x),
        5 => tanh(x),
        6 => hard_swish(x),
        7 => hard_sigmoid(x, 0.7, 0.4),
        8 => relu6(x),
        9 => x.clamp(-0.2, 0.3),
        _ => x.clamp_min(-0.2),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn product_bias_and_activation(
        batch in 1usize..4, tokens in 1usize..40, inputs in 1usize..50, outputs in 1usize..50,
        bias: bool, function in 0..FUNCTIONS.len(), sparsity in 0.0f64..1.0, seed: u16,
    ) {
        let name = FUNCTIONS[function];
        let x = floats([batch, tokens, inputs], seed.into());
        let model = linear(inputs, outputs, bias, sparsity);
        let forward = move |model: &Linear, x| activated(function, model.forward(x));
        let fast = fused(&model, x, forward);
        let bias = if bias { " + bias" } else { "" };
        let expected = format!("sparse product{bias} + {name}");
        prop_assert!(has(&fast, &expected), "{}", fast.report().unwrap());
    }

    #[test]
    fn a_constant_that_is_added_is_a_bias_only_where_it_is_one_for_each_row(
        rows in 2usize..6, outputs in 2usize..6, form in 0usize..4, seed: u16,
    ) {
        let forward = move |model: &Linear, x: Tensor<2>| {
            let device = x.device();
            let y = model.forward(x);
            let constant = |shape: [usize; 2]| {
                Tensor::<1, Int>::arange(0..(shape[0] * shape[1]) as i64, &device)
                    .float()
                    .reshape(shape)
            };
            match form {
                0 => y + constant([1, outputs]),
                1 => y + constant([rows, 1]),
                2 => y + constant([rows, outputs]),
                _ => constant([1, 1]) + y,
            }
        };
        fused(&linear(5, outputs, false, 0.5), floats([rows, 5], seed.into()), forward);
    }

    #[test]
    fn residual_and_layer_norm(
        batch in 1usize..4, tokens in 1usize..20, width in 1usize..40, form in 0usize..4, seed: u16,
    ) {
        let model: LayerNorm = prune(LayerNormConfig::new(width).init(&device()), 0.0);
        let inputs = (
            floats([batch, tokens, width], seed.into()),
            floats([batch, tokens, width], u64::from(seed) + 1),
        );
        let forward = move |model: &LayerNorm, (x, y): (Tensor<3>, Tensor<3>)| match form {
            0 => model.forward(x + y),
            1 => {
                let sum = x + y;
                model.forward(sum.clone()) + sum
            }
            // Of another shape, which is broadcast, and a sum that is read before.
            2 => model.forward(x + y.mean_dim(1)),
            _ => {
                let sum = x + y;
                let before = sum.clone() * 2.0;
                model.forward(sum) + before
            }
        };
        let fast = fused(&model, inputs, forward);
        prop_assert!(has(&fast, "layer norm"));
    }

    #[test]
    fn attention_with_masks(
        batch in 1usize..3, heads in 1usize..4, queries in 1usize..20, keys in 1usize..40,
        width in 1usize..20, values in 1usize..20, masks in 0usize..5, seed: u16,
    ) {
        let model = linear(1, 1, true, 0.0);
        let seed = u64::from(seed);
        let inputs = (
            floats([batch, heads, queries, width], seed),
            floats([batch, heads, keys, width], seed + 1),
            floats([batch, heads, keys, values], seed + 2),
            integers([batch, 1, 1, keys], 3, seed + 3).equal_elem(0),
            floats([1, heads, queries, keys], seed + 4),
        );
        type Inputs = (Tensor<4>, Tensor<4>, Tensor<4>, Tensor<4, Bool>, Tensor<4>);
        let forward = move |_: &Linear, (q, k, v, pad, bias): Inputs| {
            let mut scores = q.matmul(k.transpose()).div_scalar(1.7).mul_scalar(0.9);
            if masks & 1 > 0 {
                scores = scores.mask_fill(pad, -1e4);
            }
            if masks & 2 > 0 {
                scores = scores + bias;
            }
            if masks & 4 > 0 {
                // After a mask this scales the mask too: not one kernel.
                scores = scores.mul_scalar(0.5);
            }
            softmax(scores, 3).matmul(v)
        };
        let fast = fused(&model, inputs, forward);
        prop_assert!(has(&fast, "attention"), "{}", fast.report().unwrap());
    }

    #[test]
    fn transposed_scores_and_weights_stay_transposed(
        batch in 1usize..3, heads in 1usize..3, tokens in 1usize..7, form in 0usize..3, seed: u16,
    ) {
        let model = linear(1, 1, true, 0.0);
        let seed = u64::from(seed);
        let shape = [batch, heads, tokens, 5];
        let inputs = (floats(shape, seed), floats(shape, seed + 1), floats(shape, seed + 2));
        fused(&model, inputs, move |_: &Linear, (q, k, v): (Tensor<4>, Tensor<4>, Tensor<4>)| {
            let scores = q.matmul(k.transpose());
            match form {
                0 => softmax(scores.transpose(), 3).matmul(v),
                1 => softmax(scores, 3).transpose().matmul(v),
                _ => softmax(scores.mul_scalar(0.3).transpose().transpose(), 3).matmul(v),
            }
        });
    }

    #[test]
    fn norm_by_the_root_of_the_mean_square(
        batch in 1usize..4, tokens in 1usize..20, width in 1usize..40, form in 0usize..3, seed: u16,
    ) {
        let model: RmsNorm = prune(RmsNormConfig::new(width).init(&device()), 0.0);
        let x = floats([batch, tokens, width], seed.into());
        let fast = fused(&model, x, move |model: &RmsNorm, x: Tensor<3>| {
            let gamma = model.gamma.val().reshape([1, 1, width]);
            match form {
                0 => model.forward(x),
                1 => (x.clone() / (x.powf_scalar(2.0).mean_dim(2) + 1e-3).sqrt()) * gamma,
                // Over another axis it is another norm.
                _ => (x.clone() / (x.square().mean_dim(1) + 1e-3).sqrt()) * gamma,
            }
        });
        prop_assert_eq!(has(&fast, "rms norm"), form < 2);
    }

    #[test]
    fn the_attention_function(
        batch in 1usize..3, heads in 1usize..4, queries in 1usize..20, keys in 1usize..40,
        causal: bool, masked: bool, seed: u16,
    ) {
        let model = linear(1, 1, true, 0.0);
        let seed = u64::from(seed);
        let inputs = (
            floats([batch, heads, queries, 6], seed),
            floats([batch, heads, keys, 6], seed + 1),
            floats([batch, heads, keys, 4], seed + 2),
            integers([batch, heads, queries, keys], 2, seed + 3).equal_elem(0),
        );
        type Inputs = (Tensor<4>, Tensor<4>, Tensor<4>, Tensor<4, Bool>);
        let forward = move |_: &Linear, (q, k, v, mask): Inputs| {
            let options = AttentionModuleOptions { is_causal: causal, ..Default::default() };
            attention(q, k, v, masked.then_some(mask), None, options)
        };
        fused(&model, inputs, forward);
    }

    #[test]
    fn softmax_over_any_axis(a in 1usize..6, b in 1usize..6, c in 1usize..40, axis in 0usize..3, seed: u16) {
        let model = linear(1, 1, true, 0.0);
        fused(&model, floats([a, b, c], seed.into()), move |_: &Linear, x: Tensor<3>| {
            softmax(x, axis)
        });
    }

    #[test]
    fn sums_and_products_of_one_shape_and_of_others(
        a in 1usize..6, b in 1usize..6, c in 1usize..6, one in 0usize..3, seed: u16,
    ) {
        let mut shape = [a, b, c];
        shape[one] = 1;
        let model = linear(1, 1, true, 0.0);
        let inputs = (floats([a, b, c], seed.into()), floats(shape, 1));
        fused(&model, inputs, |_: &Linear, (x, y): (Tensor<3>, Tensor<3>)| {
            (x.clone() + y.clone()) * y.clone() + (x.clone() * x.clone() + x) * y
        });
    }

    #[test]
    fn sums_and_products_with_an_activation(
        batch in 1usize..4, tokens in 1usize..20, width in 1usize..40, function in 0..FUNCTIONS.len(),
        form in 0usize..6, seed: u16,
    ) {
        let name = FUNCTIONS[function];
        let apply = move |x: Tensor<3>| activated(function, x);
        let model = linear(width, width, true, 0.6);
        let shape = [batch, tokens, width];
        let inputs = (floats(shape, seed.into()), floats(shape, u64::from(seed) + 1));
        let forward = move |model: &Linear, (x, y): (Tensor<3>, Tensor<3>)| match form {
            0 => apply(model.forward(x.clone()) + x),
            1 => apply(x * y),
            // A sum that is read elsewhere as well, before and after.
            2 => {
                let sum = x + y.clone();
                apply(sum.clone()) * y + sum
            }
            3 => {
                let sum = x + y;
                let before = sum.clone() * 2.0;
                apply(sum) - before
            }
            // Two functions, of which one is in the pass.
            4 => tanh(apply(x + y)),
            // Another shape, which is broadcast.
            _ => apply(x + y.mean_dim(1)),
        };
        let fast = fused(&model, inputs, forward);
        let expected = match form {
            0 | 4 => format!("add + {name}"),
            1 => format!("multiply + {name}"),
            _ => name.to_string(),
        };
        prop_assert!(has(&fast, &expected), "{}", fast.report().unwrap());
        let in_one = [0, 4].contains(&form) || form == 5 && tokens == 1;
        prop_assert_eq!(has(&fast, "add +"), in_one);
    }

    // A hard swish with other numbers, or of two tensors, is a product; bounds in the wrong order
    // are Burn's.
    #[test]
    fn what_looks_like_an_activation(form in 0usize..3, a in 1usize..6, b in 1usize..40, seed: u16) {
        let model = linear(b, b, true, 0.6);
        let inputs = (floats([a, b], seed.into()), floats([a, b], u64::from(seed) + 1));
        let fast = fused(&model, inputs, move |model: &Linear, (x, y): (Tensor<2>, Tensor<2>)| {
            let x = model.forward(x) * 4.0;
            match form {
                0 => x.clone() * hard_sigmoid(x, 0.2, 0.5),
                1 => x * hard_sigmoid(y, 1.0 / 6.0, 0.5),
                _ => x.clamp_max(f32::NAN) + y,
            }
        });
        prop_assert!(!has(&fast, "HardSwish"), "{}", fast.report().unwrap());
        prop_assert_eq!(of_burn(&fast).iter().any(|name| name.contains("Clamp")), form == 2);
    }

    #[test]
    fn embedding_of_any_rank(rows in 1usize..40, width in 1usize..20, a in 1usize..5, b in 1usize..9, seed: u16) {
        let model: Embedding = EmbeddingConfig::new(rows, width).init(&device());
        let words = integers([a, b], rows as i32, seed.into());
        let fast = fused(&model, words, |model: &Embedding, x: Tensor<2, Int>| model.forward(x));
        prop_assert!(has(&fast, "embedding"));
    }

    #[test]
    fn products_of_one_input_for_attention(
        batch in 1usize..4, tokens in 1usize..20, heads in 2usize..5, bias: bool, shared: bool, seed: u16,
    ) {
        let width = 5 * heads;
        let model: Vec<Linear> = (0..3).map(|_| linear(7, width, bias, 0.6)).collect();
        let inputs = (floats([batch, tokens, 7], seed.into()), floats([batch, tokens, 7], 3));
        let forward = move |model: &Vec<Linear>, (x, y): (Tensor<3>, Tensor<3>)| {
            let y = if shared { x.clone() } else { y };
            let split = |x: Tensor<3>| x.reshape([batch, tokens, heads, 5]).swap_dims(1, 2);
            let q = split(model[0].forward(x));
            let (k, v) = (split(model[1].forward(y.clone())), split(model[2].forward(y)));
            let context = softmax(q.matmul(k.transpose()), 3).matmul(v);
            context.swap_dims(1, 2).reshape([batch, tokens, heads * 5])
        };
        let fast = fused(&model, inputs, forward);
        let merged = if shared { "of 3 layers" } else { "of 2 layers" };
        prop_assert!(has(&fast, merged), "{}", fast.report().unwrap());
    }
}

#[derive(Module, Debug)]
struct Normed<C: Module> {
    convolution: C,
    norm: BatchNorm,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn convolution_batch_norm_and_activation(
        batch in 1usize..4, groups in 1usize..3, inputs in 1usize..4, outputs in 1usize..5,
        kernel in prop::array::uniform2(1usize..4), stride in prop::array::uniform2(1usize..3),
        dilation in prop::array::uniform2(1usize..3), padding in prop::array::uniform2(0usize..3),
        size in prop::array::uniform2(5usize..12), norm: bool, bias: bool,
        function in 0..FUNCTIONS.len(), seed: u16,
    ) {
        let channels = [inputs * groups, outputs * groups];
        let convolution: Conv2d = Conv2dConfig::new(channels, kernel)
            .with_stride(stride)
            .with_dilation(dilation)
            .with_padding(PaddingConfig2d::Explicit(padding[0], padding[1], padding[0], padding[1]))
            .with_groups(groups)
            .with_bias(bias)
            .init(&device());
        let norm_layer: BatchNorm = BatchNormConfig::new(channels[1]).init(&device());
        let model = prune(Normed { convolution, norm: norm_layer }, 0.6);
        let x = floats([batch, channels[0], size[0], size[1]], seed.into());
        let forward = move |model: &Normed<Conv2d>, x: Tensor<4>| {
            let y = model.convolution.forward(x);
            activated(function, if norm { model.norm.forward(y) } else { y })
        };
        let fast = fused(&model, x, forward);
        let norm = if norm { " + batch norm" } else { "" };
        let expected = format!("sparse convolution{norm} + {}", FUNCTIONS[function]);
        prop_assert!(has(&fast, &expected), "{}", fast.report().unwrap());
    }

    // What a residual network is made of: two convolutions, batch norm, and the input again.
    #[test]
    fn a_residual_block(
        batch in 1usize..4, channels in 1usize..6, size in prop::array::uniform2(3usize..12),
        stride in 1usize..3, seed: u16,
    ) {
        let part = |kernel: usize, stride: usize| {
            let pad = kernel / 2;
            Normed {
                convolution: Conv2dConfig::new([channels, channels], [kernel; 2])
                    .with_stride([stride; 2])
                    .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
                    .init(&device()),
                norm: BatchNormConfig::new(channels).init(&device()),
            }
        };
        let model = prune(vec![part(3, stride), part(3, 1), part(1, stride)], 0.6);
        let x = floats([batch, channels, size[0], size[1]], seed.into());
        let fast = fused(&model, x, move |model: &Vec<Normed<Conv2d>>, x: Tensor<4>| {
            let of = |part: usize, x: Tensor<4>| {
                let Normed { convolution, norm } = &model[part];
                norm.forward(convolution.forward(x))
            };
            let short = if stride == 1 { x.clone() } else { of(2, x.clone()) };
            relu(of(1, relu(of(0, x))) + short)
        });
        prop_assert!(has(&fast, "add + Relu"), "{}", fast.report().unwrap());
        prop_assert_eq!(of_burn(&fast), [""; 0]);
    }

    #[test]
    fn pooling(
        batch in 1usize..3, channels in 1usize..4, size in prop::array::uniform2(4usize..12),
        kernel in prop::array::uniform2(1usize..4), stride in prop::array::uniform2(1usize..4),
        padding in 0usize..2, form in 0usize..5, seed: u16,
    ) {
        // Elsewhere Burn refuses a padding of more than half of the window.
        let padding = if form == 3 { padding } else { padding.min(kernel[0] / 2).min(kernel[1] / 2) };
        let model = linear(1, 1, true, 0.0);
        // Means that are not close to 0, which would make much of roundings.
        let x = floats([batch, channels, size[0], size[1]], seed.into()) + 0.5;
        let max = MaxPoolOptions::new(kernel).with_stride(stride).with_padding([padding; 2]);
        let mean = AvgPoolOptions::new(kernel).with_stride(stride).with_padding([padding; 2]);
        let fast = fused(&model, x, move |_: &Linear, x: Tensor<4>| match form {
            0 => max_pool2d(x, max.clone()),
            1 => max_pool2d(x, max.clone().with_ceil_mode(true)),
            2 => avg_pool2d(x, mean.clone()),
            3 => avg_pool2d(x, mean.clone().with_count_include_pad(false)),
            _ => adaptive_avg_pool2d(x, [1, 1]),
        });
        prop_assert!(has(&fast, "pooling"), "{}", fast.report().unwrap());
        prop_assert_eq!(of_burn(&fast), [""; 0]);
    }

    #[test]
    fn convolution_of_sequences(
        batch in 1usize..4, inputs in 1usize..6, outputs in 1usize..6, kernel in 1usize..4,
        stride in 1usize..3, padding in 0usize..3, length in 4usize..30, seed: u16,
    ) {
        let convolution: Conv1d = Conv1dConfig::new(inputs, outputs, kernel)
            .with_stride(stride)
            .with_padding(PaddingConfig1d::Explicit(padding, padding))
            .init(&device());
        let norm: BatchNorm = BatchNormConfig::new(outputs).init(&device());
        let model = prune(Normed { convolution, norm }, 0.6);
        let x = floats([batch, inputs, length], seed.into());
        let fast = fused(&model, x, |model: &Normed<Conv1d>, x: Tensor<3>| {
            gelu(model.norm.forward(model.convolution.forward(x)))
        });
        prop_assert!(has(&fast, "sparse convolution + batch norm + Gelu"));
    }
}
