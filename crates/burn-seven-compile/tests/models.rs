//! Compiled models compute what the models do.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::nn::attention::{
    MhaInput, MultiHeadAttention, MultiHeadAttentionConfig, generate_autoregressive_mask,
};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::gru::{Gru, GruConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::transformer::{
    TransformerDecoder, TransformerDecoderConfig, TransformerDecoderInput, TransformerEncoder,
    TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, Lstm, LstmConfig, PaddingConfig2d, RmsNorm, RmsNormConfig, SwiGlu, SwiGluConfig,
};
use burn::tensor::activation::{gelu, gelu_approximate, relu, sigmoid, silu, softmax, tanh};
use burn::tensor::{Bool, Int, Tensor};

use rayon::prelude::*;

use common::{check, device, floats, has, integers, of_burn, prune};

fn encoder(norm_first: bool) -> TransformerEncoder {
    let config = TransformerEncoderConfig::new(32, 64, 4, 2).with_norm_first(norm_first);
    prune(config.init(&device()), 0.8)
}

fn encode(model: &TransformerEncoder, x: Tensor<3>) -> Tensor<3> {
    model.forward(TransformerEncoderInput::new(x))
}

#[test]
fn an_encoder_and_nothing_of_it_is_left_to_burn() {
    for norm_first in [false, true] {
        for shape in [[3, 7, 32], [1, 1, 32], [2, 33, 32], [1, 128, 32]] {
            let fast = check(&encoder(norm_first), floats(shape, 1), encode);
            assert_eq!(of_burn(&fast), [""; 0], "{}", fast.report().unwrap());
            assert!(has(&fast, "attention"));
            let report = fast.report().unwrap();
            assert!(
                has(&fast, "sparse product of 3 layers + bias"),
                "{shape:?} {report}"
            );
            assert!(has(&fast, "sparse product + bias + Gelu"));
        }
    }
}

#[test]
fn other_shapes_are_compiled_when_they_come_and_the_oldest_make_room() {
    let model = encoder(false);
    let config = burn_seven_compile::CompileConfig::new().with_shapes(2);
    let fast = config
        .compile(&model, floats([2, 5, 32], 1), encode)
        .unwrap();
    for [batch, tokens] in [[1, 5], [4, 9], [2, 5], [7, 3], [1, 5], [1, 5]] {
        let x = floats([batch, tokens, 32], 2);
        let off = common::distance(fast.run(x.clone()).unwrap(), encode(&model, x));
        assert!(off < 1e-5, "{off}");
    }
}

#[test]
fn masks_of_padding_and_order() {
    let pad = integers([3, 6], 2, 5).equal_elem(1);
    let order = generate_autoregressive_mask(3, 6, &device());
    let inputs = (floats([3, 6, 32], 1), pad, order);
    let fast = check(
        &encoder(false),
        inputs,
        |model: &TransformerEncoder,
         (x, pad, order): (Tensor<3>, Tensor<2, Bool>, Tensor<3, Bool>)| {
            let input = TransformerEncoderInput::new(x)
                .mask_pad(pad)
                .mask_attn(order);
            model.forward(input)
        },
    );
    assert!(has(&fast, "attention with 2 masks"));
}

#[test]
fn a_decoder_with_memory() {
    let config = TransformerDecoderConfig::new(32, 64, 4, 2).with_dropout(0.1);
    let model: TransformerDecoder = prune(config.init(&device()), 0.7);
    let inputs = (
        floats([2, 5, 32], 1),
        floats([2, 9, 32], 2),
        integers([2, 9], 2, 5).equal_elem(1),
    );
    let fast = check(
        &model,
        inputs,
        |model: &TransformerDecoder, (x, memory, pad): (Tensor<3>, Tensor<3>, Tensor<2, Bool>)| {
            let order = generate_autoregressive_mask(2, 5, &x.device());
            let input = TransformerDecoderInput::new(x, memory);
            model.forward(input.target_mask_attn(order).memory_mask_pad(pad))
        },
    );
    assert!(has(&fast, "attention with 1 masks"));
    assert!(
        has(&fast, "sparse product of 4 layers"),
        "{}",
        fast.report().unwrap()
    );
}

#[test]
fn attention_of_other_queries_and_its_weights_as_a_second_output() {
    let config = MultiHeadAttentionConfig::new(24, 3);
    let model: MultiHeadAttention = prune(config.init(&device()), 0.6);
    let inputs = (floats([2, 5, 24], 1), floats([2, 8, 24], 2));
    let forward = |model: &MultiHeadAttention, (q, kv): (Tensor<3>, Tensor<3>)| {
        let output = model.forward(MhaInput::new(q, kv.clone(), kv));
        (output.context, output.weights)
    };
    // The weights are read outside, so they are not kept in one kernel.
    let fast = check(&model, inputs.clone(), forward);
    assert!(!has(&fast, "attention"));
    let fast = check(
        &model,
        inputs,
        |model: &MultiHeadAttention, (q, kv): (Tensor<3>, Tensor<3>)| {
            model.forward(MhaInput::new(q, kv.clone(), kv)).context
        },
    );
    assert!(has(&fast, "attention"));
}

#[test]
fn gates_and_recurrent_layers() {
    let model: SwiGlu = prune(
        SwiGluConfig::new(24, 40).with_bias(true).init(&device()),
        0.8,
    );
    let fast = check(
        &model,
        floats([3, 5, 24], 1),
        |model: &SwiGlu, x: Tensor<3>| model.forward(x),
    );
    assert!(
        has(&fast, "sparse product + bias + Silu"),
        "{}",
        fast.report().unwrap()
    );

    let model: Lstm = prune(LstmConfig::new(12, 20, true).init(&device()), 0.8);
    check(
        &model,
        floats([3, 5, 12], 1),
        |model: &Lstm, x: Tensor<3>| model.forward(x, None).0,
    );

    let model: Gru = prune(GruConfig::new(12, 20, true).init(&device()), 0.8);
    check(
        &model,
        floats([3, 5, 12], 1),
        |model: &Gru, x: Tensor<3>| model.forward(x, None),
    );
}

#[derive(Module, Debug)]
struct Net {
    first: Conv2d,
    norm: BatchNorm,
    pool: MaxPool2d,
    second: Conv2d,
    head: Linear,
}

impl Net {
    fn new() -> Self {
        let same = PaddingConfig2d::Same;
        Self {
            first: Conv2dConfig::new([3, 8], [3, 3])
                .with_padding(same)
                .init(&device()),
            norm: BatchNormConfig::new(8).init(&device()),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            second: Conv2dConfig::new([8, 6], [1, 1]).init(&device()),
            head: LinearConfig::new(6 * 16, 5).init(&device()),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = relu(self.norm.forward(self.first.forward(x)));
        let x = relu(self.second.forward(self.pool.forward(x)));
        self.head.forward(x.flatten(1, 3))
    }
}

#[test]
fn a_convolutional_network_and_the_model_stays_as_it_was() {
    let model = prune(Net::new(), 0.7);
    let x = floats([2, 3, 8, 8], 1);
    let before = model.forward(x.clone());
    check(&model, x.clone(), Net::forward);
    assert_eq!(common::distance(model.forward(x), before), 0.0);
}

#[derive(Module, Debug)]
struct Words {
    words: Embedding,
    places: Embedding,
    norm: LayerNorm,
    last: RmsNorm,
    inner: Linear,
    outer: Linear,
}

impl Words {
    fn new() -> Self {
        Self {
            words: EmbeddingConfig::new(50, 16).init(&device()),
            places: EmbeddingConfig::new(12, 16).init(&device()),
            norm: LayerNormConfig::new(16).init(&device()),
            last: RmsNormConfig::new(16).init(&device()),
            inner: LinearConfig::new(16, 30).init(&device()),
            outer: LinearConfig::new(30, 16).with_bias(false).init(&device()),
        }
    }

    /// Vectors, and the word that the last layer finds nearest by the table of words.
    fn forward(&self, words: Tensor<2, Int>) -> (Tensor<3>, Tensor<3, Int>) {
        let [_, length] = words.dims();
        let places = Tensor::arange(0..length as i64, &words.device()).unsqueeze::<2>();
        let x = self.words.forward(words) + self.places.forward(places);
        let x = self.norm.forward(x);
        let y = self
            .outer
            .forward(gelu_approximate(self.inner.forward(x.clone())));
        let x = self.last.forward(x + y);
        let table = self.words.weight.val().transpose().unsqueeze();
        let scores = x.clone().matmul(table);
        (x, scores.argmax(2))
    }
}

#[test]
fn words_places_and_a_table_that_is_used_twice() {
    let model = prune(Words::new(), 0.6);
    let fast = check(&model, integers([3, 6], 50, 1), Words::forward);
    assert!(has(&fast, "GeluTanh"), "{}", fast.report().unwrap());
    assert!(has(&fast, "embedding") && has(&fast, "rms norm"));
    let report = fast.report().unwrap();
    let paths: Vec<_> = report
        .products
        .iter()
        .flat_map(|one| one.paths.clone())
        .collect();
    assert_eq!(paths, ["inner.weight", "outer.weight", "words.weight"]);
}

#[test]
fn activations_by_themselves_and_after_products() {
    let model: Linear = prune(LinearConfig::new(20, 30).init(&device()), 0.8);
    let functions: [fn(Tensor<2>) -> Tensor<2>; 8] = [
        relu,
        gelu,
        gelu_approximate,
        silu,
        sigmoid,
        tanh,
        |x| softmax(x, 1),
        |x| softmax(x, 0),
    ];
    for function in functions {
        check(
            &model,
            floats([5, 20], 3),
            move |model: &Linear, x: Tensor<2>| (function(model.forward(x.clone())), function(x)),
        );
    }
}

#[test]
fn a_tensor_that_is_an_input_and_an_output_and_vectors_of_tensors() {
    let model: Linear = prune(LinearConfig::new(20, 30).init(&device()), 0.8);
    check(
        &model,
        vec![floats([5, 20], 3), floats([2, 20], 4)],
        |model: &Linear, xs: Vec<Tensor<2>>| {
            let ys: Vec<_> = xs.iter().map(|x| model.forward(x.clone())).collect();
            vec![xs[0].clone(), ys[0].clone(), ys[0].clone(), ys[1].clone()]
        },
    );
}

#[test]
fn no_rows_give_no_rows() {
    let model: Linear = prune(LinearConfig::new(20, 30).init(&device()), 0.8);
    let forward = |model: &Linear, x: Tensor<2>| relu(model.forward(x));
    let all = burn_seven_compile::CompileConfig::new()
        .with_products(burn_seven_compile::Products::Sparse);
    let fast = all.compile(&model, floats([3, 20], 1), forward).unwrap();
    assert_eq!(fast.run(floats([0, 20], 1)).unwrap().dims(), [0, 30]);
}

#[test]
fn threads_share_a_compiled_model() {
    let model = encoder(false);
    let fast = burn_seven_compile::compile(&model, floats([2, 5, 32], 1), encode).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (fast, model) = (&fast, &model);
            scope.spawn(move || {
                for shape in [[2, 5, 32], [1, 3 + thread, 32], [3, 5, 32]] {
                    let x = floats(shape, thread as u64);
                    let off = common::distance(fast.run(x.clone()).unwrap(), encode(model, x));
                    assert!(off < 1e-5);
                }
            });
        }
    });
}

#[test]
fn weights_without_zeros_are_tried_sparse_too_and_those_with_a_few_only_for_few_rows() {
    let layer: Linear = LinearConfig::new(40, 60).init(&device());
    let forward = |model: &Linear, x: Tensor<2>| model.forward(x);
    let tried = |sparsity: f64, rows: usize| {
        let model = prune(layer.clone(), sparsity);
        let fast = burn_seven_compile::compile(&model, floats([rows, 40], 1), forward).unwrap();
        let products = fast.report().unwrap().products;
        (products[0].sparsity, products[0].seconds.is_some())
    };
    assert_eq!(tried(0.0, 200), (0.0, true));
    let (sparsity, few) = tried(0.03, 200);
    assert!(0.0 < sparsity && sparsity < 0.1 && !few, "{sparsity}");
    assert!(tried(0.03, 8).1);
}

#[test]
fn threads_that_meet_one_new_shape_plan_it_once() {
    let captures = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = captures.clone();
    let forward = move |model: &Linear, x: Tensor<2>| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        relu(model.forward(x))
    };
    let model: Linear = prune(LinearConfig::new(40, 60).init(&device()), 0.8);
    let config = burn_seven_compile::CompileConfig::new().with_check(false);
    let fast = config.compile(&model, floats([2, 40], 1), forward).unwrap();
    let captured = || captures.load(std::sync::atomic::Ordering::Relaxed);
    for (shapes, rows) in [7, 30, 90].into_iter().enumerate() {
        let together = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    assert_eq!(fast.run(floats([rows, 40], 1)).unwrap().dims(), [rows, 60]);
                });
            }
        });
        assert_eq!(captured(), 2 + shapes);
    }
    // Rayon's threads do not wait for each other, and give the same.
    let outputs: Vec<Tensor<2>> = (0..8)
        .into_par_iter()
        .map(|_| fast.run(floats([11, 40], 1)).unwrap())
        .collect();
    for output in outputs {
        let off = common::distance(output, relu(model.forward(floats([11, 40], 1))));
        assert!(off < 1e-5, "{off}");
    }
}

#[test]
fn neurons_that_are_zero_altogether_make_a_smaller_dense_product() {
    let layer: Linear = LinearConfig::new(96, 160).with_bias(true).init(&device());
    let keep = |count: usize| {
        let places = Tensor::<1, Int>::arange(0..count as i64, &device());
        places.remainder_scalar(4).equal_elem(0).float()
    };
    // A quarter of the inputs and of the outputs are left: a dense product of a sixteenth.
    let mask = keep(96).reshape([96, 1]) * keep(160).reshape([1, 160]);
    let weight = layer.weight.val() * mask;
    let layer = Linear {
        weight: burn::module::Param::from_tensor(weight),
        bias: layer.bias,
    };
    let fast = check(
        &layer,
        floats([200, 96], 1),
        |model: &Linear, x: Tensor<2>| relu(model.forward(x)),
    );
    drop(fast);
    let forward = |model: &Linear, x: Tensor<2>| relu(model.forward(x));
    let fast = burn_seven_compile::compile(&layer, floats([200, 96], 1), forward).unwrap();
    let report = fast.report().unwrap();
    assert_ne!(
        report.products[0].product,
        burn_seven_compile::ProductKind::Dense,
        "{report}"
    );
    assert!((report.products[0].sparsity - 15.0 / 16.0).abs() < 1e-9);
}

#[test]
fn rounded_weights_are_off_by_a_bounded_share() {
    let layer: Linear = prune(
        LinearConfig::new(64, 32).with_bias(false).init(&device()),
        0.7,
    );
    let config = burn_seven_compile::CompileConfig::new()
        .with_products(burn_seven_compile::Products::Sparse)
        .with_precision(burn_seven_compile::Precision::Bfloat16);
    let forward = |model: &Linear, x: Tensor<2>| model.forward(x);
    for rows in [1, 2, 40] {
        let x = floats([rows, 64], 1);
        let fast = config.compile(&layer, x.clone(), forward).unwrap();
        let off = (fast.run(x.clone()).unwrap() - layer.forward(x.clone())).abs();
        // Each weight is off by at most 2^-8 of itself.
        let bound = x.abs().matmul(layer.weight.val().abs()) / 256.0;
        let worst: f32 = (off.clone() - bound).max().into_scalar();
        assert!(worst < 1e-6, "{worst}");
        assert!(off.max().into_scalar::<f32>() > 1e-5);
    }
}

/// Runs the compiled model for inputs of another shape than it was compiled for.
fn again<M, I, O>(
    model: &M,
    inputs: [I; 2],
    forward: impl Fn(&M, I) -> O + Clone + Send + Sync + 'static,
) where
    M: Module + Send + Sync + 'static,
    I: burn_seven_compile::Tensors,
    O: burn_seven_compile::Tensors + common::Numbers,
{
    let config = burn_seven_compile::CompileConfig::new()
        .with_products(burn_seven_compile::Products::Sparse);
    let [first, second] = inputs;
    let fast = config
        .compile(model, first.clone(), forward.clone())
        .unwrap();
    for inputs in [second, first] {
        let found = fast.run(inputs.clone()).unwrap();
        let off = common::distance(found, forward(&model.valid(), inputs));
        assert!(off < 1e-5, "{off}");
    }
}

#[test]
fn other_shapes_of_every_kind_of_layer() {
    let config = TransformerDecoderConfig::new(32, 64, 4, 2);
    let model: TransformerDecoder = prune(config.init(&device()), 0.7);
    let inputs = [(5, 9), (7, 7)]
        .map(|(tokens, memory)| (floats([2, tokens, 32], 1), floats([2, memory, 32], 2)));
    again(
        &model,
        inputs,
        |model: &TransformerDecoder, (x, memory): (Tensor<3>, Tensor<3>)| {
            model.forward(TransformerDecoderInput::new(x, memory))
        },
    );
    let model: SwiGlu = prune(SwiGluConfig::new(24, 40).init(&device()), 0.8);
    let inputs = [floats([3, 5, 24], 1), floats([1, 1, 24], 2)];
    again(&model, inputs, |model: &SwiGlu, x: Tensor<3>| {
        model.forward(x)
    });
    let model: Lstm = prune(LstmConfig::new(12, 20, true).init(&device()), 0.8);
    let inputs = [floats([3, 5, 12], 1), floats([1, 9, 12], 2)];
    again(&model, inputs, |model: &Lstm, x: Tensor<3>| {
        model.forward(x, None).0
    });
    let model: Gru = prune(GruConfig::new(12, 20, true).init(&device()), 0.8);
    let inputs = [floats([3, 5, 12], 1), floats([1, 9, 12], 2)];
    again(&model, inputs, |model: &Gru, x: Tensor<3>| {
        model.forward(x, None)
    });
    let inputs = [integers([3, 6], 50, 1), integers([1, 11], 50, 2)];
    again(&prune(Words::new(), 0.6), inputs, Words::forward);
    let inputs = [floats([2, 3, 8, 8], 1), floats([5, 3, 8, 8], 2)];
    again(&prune(Net::new(), 0.7), inputs, Net::forward);
}

#[test]
fn optional_inputs_that_are_there_or_not_are_told_apart() {
    let model: Linear = prune(LinearConfig::new(20, 20).init(&device()), 0.8);
    type Inputs = (Tensor<2>, Option<Tensor<2>>, Option<Tensor<2>>);
    let forward = |model: &Linear, (x, plus, minus): Inputs| {
        let y = model.forward(x);
        let y = plus.into_iter().fold(y, |y, plus| y + plus);
        minus.into_iter().fold(y, |y, minus| y - minus)
    };
    let (x, other) = (floats([3, 20], 1), floats([3, 20], 2));
    let inputs = [
        (x.clone(), Some(other.clone()), None),
        (x.clone(), None, Some(other.clone())),
    ];
    again(&model, inputs, forward);
    let forward = |model: &Linear, (a, b): (Vec<Tensor<2>>, Vec<Tensor<2>>)| {
        let sum = |all: Vec<Tensor<2>>| all.into_iter().reduce(|a, b| a + b).unwrap();
        model.forward(sum(a)) - sum(b)
    };
    let (a, b, c) = (floats([3, 20], 1), floats([3, 20], 2), floats([3, 20], 3));
    let inputs = [
        (vec![a.clone()], vec![b.clone(), c.clone()]),
        (vec![a, b], vec![c]),
    ];
    again(&model, inputs, forward);
}

#[test]
fn parts_of_one_weight() {
    let model: Linear = prune(LinearConfig::new(8, 16).init(&device()), 0.6);
    check(&model, floats([3, 8], 1), |model: &Linear, x: Tensor<2>| {
        let weight = model.weight.val();
        let whole = x.clone().matmul(weight.clone());
        let columns = x.clone().matmul(weight.clone().slice([0..8, 0..8]));
        let rows = x.slice([0..3, 0..4]).matmul(weight.slice([0..4, 0..16]));
        vec![whole, columns, rows]
    });
}

#[test]
fn running_statistics_stay_those_of_the_compiled_model() {
    let model = prune(Net::new(), 0.7);
    let fast = burn_seven_compile::compile(&model, floats([1, 3, 8, 8], 1), Net::forward).unwrap();
    let x = floats([2, 3, 8, 8], 2);
    let before = model.forward(x.clone());
    let changed = model.norm.running_mean.value() + 3.0;
    model.norm.running_mean.update(changed);
    let _ = model.norm.running_mean.value_sync();
    assert!(common::distance(model.forward(x.clone()), before.clone()) > 1e-3);
    assert!(common::distance(fast.run(x).unwrap(), before) < 1e-5);
}

#[test]
fn fewer_heads_of_keys_than_of_queries() {
    let model: Linear = prune(LinearConfig::new(8, 8).init(&device()), 0.6);
    let inputs = (
        floats([1, 4, 5, 8], 1),
        floats([1, 2, 5, 8], 2),
        floats([1, 2, 5, 8], 3),
    );
    check(
        &model,
        inputs,
        |_: &Linear, (q, k, v): (Tensor<4>, Tensor<4>, Tensor<4>)| {
            burn::tensor::module::attention(q, k, v, None, None, Default::default())
        },
    );
}

// Burn's own interpreter has no casts between integers.
#[test]
fn casts_of_integers_and_booleans() {
    use burn::tensor::{FloatDType, IntDType};
    let embedding: Embedding = EmbeddingConfig::new(7, 4).init(&device());
    let words = integers([2, 3], 7, 1);
    let forward = |model: &Embedding, x: Tensor<2, Int>| {
        let wide = x.clone().cast(IntDType::I64) * 3 - 7;
        let narrow = wide.clone().cast(IntDType::I8).cast(IntDType::I32);
        let bytes = (x.clone() + 250).cast(IntDType::U8);
        let even = x.clone().remainder_scalar(2).equal_elem(0);
        let floats = (
            wide.clone().cast(FloatDType::F64),
            (bytes.clone().float(), even.clone().float()),
        );
        let unused = Tensor::<1, Int>::from_ints([1, 2], &x.device());
        let _ = unused.cast(IntDType::I64);
        let words = model.forward(x.cast(IntDType::I64).cast(IntDType::I32));
        (words, (floats, vec![wide, narrow, bytes, even.int()]))
    };
    let fast = check(&embedding, words.clone(), forward);
    let (_, (_, found)) = fast.run(words.clone()).unwrap();
    let (_, (_, expected)) = forward(&embedding, words);
    for (found, expected) in found.into_iter().zip(expected) {
        assert_eq!(found.dtype(), expected.dtype());
        assert_eq!(found.into_data(), expected.into_data());
    }
}

// An index that is not there, in an operation on constants that no output needs.
#[test]
fn what_no_output_needs_may_fail() {
    let layer: Linear = LinearConfig::new(8, 4).init(&device());
    let forward = |model: &Linear, x: Tensor<2>| {
        let place = Tensor::<1, Int>::from_ints([9], &x.device());
        let _ = model.weight.val().select(0, place);
        model.forward(x)
    };
    let config = burn_seven_compile::CompileConfig::new().with_check(false);
    let fast = config.compile(&layer, floats([2, 8], 1), forward).unwrap();
    let off = common::distance(
        fast.run(floats([2, 8], 1)).unwrap(),
        layer.forward(floats([2, 8], 1)),
    );
    assert!(off < 1e-5, "{off}");
}
