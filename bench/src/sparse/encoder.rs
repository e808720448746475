//! A whole encoder, dense and packed.

use std::time::Instant;

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Int, Tensor, activation::softmax};
use burn_seven::sparse::{Activation, SparseLinear, SparseLinearConfig, pack};
use burn_seven::{MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, Sparsity, UniformBudget};
use serde::Serialize;

use crate::numbers::Spread;
use crate::{Error, SparseArgs};

const LAYERS: usize = 6;
const WIDTH: usize = 384;
const HEADS: usize = 12;
const VOCABULARY: usize = 1000;
const BATCH: usize = 32;
const LENGTH: usize = 64;
const SPARSITY: f64 = 0.9;

/// The most that outputs of the two may differ.
const TOLERANCE: f32 = 1e-4;

/// One layer of the encoder, with the norm after each part as in BERT.
#[derive(Module, Debug)]
struct Layer {
    query: SparseLinear,
    key: SparseLinear,
    value: SparseLinear,
    output: SparseLinear,
    attention_norm: LayerNorm,
    inner: SparseLinear,
    outer: SparseLinear,
    norm: LayerNorm,
}

impl Layer {
    fn new(device: &Device) -> Self {
        let linear = |inputs, outputs| SparseLinearConfig::new(inputs, outputs);
        let square = || linear(WIDTH, WIDTH).init(device);
        let norm = || LayerNormConfig::new(WIDTH).init(device);
        Self {
            query: square(),
            key: square(),
            value: square(),
            output: square(),
            attention_norm: norm(),
            inner: linear(WIDTH, 4 * WIDTH)
                .with_activation(Activation::Gelu)
                .init(device),
            outer: linear(4 * WIDTH, WIDTH).init(device),
            norm: norm(),
        }
    }

    fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, length, width] = tokens.dims();
        let heads = |values: Tensor<3>| {
            values
                .reshape([batch, length, HEADS, width / HEADS])
                .swap_dims(1, 2)
        };
        let query = heads(self.query.forward(tokens.clone()));
        let key = heads(self.key.forward(tokens.clone()));
        let value = heads(self.value.forward(tokens.clone()));
        let scale = ((width / HEADS) as f64).sqrt();
        let weights = softmax(query.div_scalar(scale).matmul(key.swap_dims(2, 3)), 3);
        let context = weights.matmul(value).swap_dims(1, 2);
        let context = context.reshape([batch, length, width]);
        let tokens = tokens + self.output.forward(context);
        let tokens = self.attention_norm.forward(tokens);
        let inner = self.inner.forward(tokens.clone());
        self.norm.forward(tokens + self.outer.forward(inner))
    }
}

/// Embedding and layers.
#[derive(Module, Debug)]
struct Encoder {
    embedding: Embedding,
    layers: Vec<Layer>,
}

impl Encoder {
    fn new(device: &Device) -> Self {
        Self {
            embedding: EmbeddingConfig::new(VOCABULARY, WIDTH).init(device),
            layers: (0..LAYERS).map(|_| Layer::new(device)).collect(),
        }
    }

    fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let embedded = self.embedding.forward(tokens);
        let layers = self.layers.iter();
        layers.fold(embedded, |tokens, layer| layer.forward(tokens))
    }
}

/// The encoder's figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    threads: usize,
    sparsity: f64,
    packed_layers: usize,
    /// Milliseconds a batch.
    dense: Spread,
    packed: Spread,
    /// Dense over packed, run beside run.
    speedup: Spread,
    largest_difference: f32,
    /// Bytes of the files.
    dense_file: u64,
    sparse_file: u64,
}

pub fn run(args: &SparseArgs, device: &Device, threads: usize) -> Result<Figures, Error> {
    let model = pruned(device)?;
    let (packed, report) = pack(&model)?;
    let tokens = Distribution::Uniform(0.0, VOCABULARY as f64);
    let tokens = Tensor::<2>::random([BATCH, LENGTH], tokens, device).int();
    let difference = model.forward(tokens.clone()) - packed.forward(tokens.clone());
    let difference = difference.abs().max().into_scalar::<f32>();
    let time = |model: &Encoder| {
        let start = Instant::now();
        let output = model.forward(tokens.clone());
        drop(device.sync()); // one that fails shows in the next read
        drop(output);
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut pairs = Vec::new();
    for round in 0..args.encoder_runs {
        // In turn, the other one first each time.
        let (dense, sparse) = match round % 2 {
            0 => {
                let dense = time(&model);
                (dense, time(&packed))
            }
            _ => {
                let sparse = time(&packed);
                (time(&model), sparse)
            }
        };
        pairs.push((dense, sparse));
    }
    let (dense_file, sparse_file) = files(&model)?;
    let figures = Figures {
        threads,
        sparsity: SPARSITY,
        packed_layers: report.packed(),
        dense: Spread::of(pairs.iter().map(|pair| pair.0)),
        packed: Spread::of(pairs.iter().map(|pair| pair.1)),
        speedup: Spread::of(pairs.iter().map(|pair| pair.0 / pair.1)),
        largest_difference: difference,
        dense_file,
        sparse_file,
    };
    println!();
    if args.report {
        println!("{report}");
    }
    println!(
        "encoder of {LAYERS} layers, {WIDTH} wide, {:.0} % sparse, batch {BATCH} of {LENGTH} tokens, {threads} threads:",
        SPARSITY * 100.0
    );
    println!(
        "  dense {} ms, packed {} ms: {} x; outputs differ by {difference:.1e} at most; files {:.2} and {:.2} MB, {:.3}",
        figures.dense,
        figures.packed,
        figures.speedup,
        dense_file as f64 / 1e6,
        sparse_file as f64 / 1e6,
        sparse_file as f64 / dense_file as f64,
    );
    match difference <= TOLERANCE {
        true => Ok(figures),
        false => Err(Error::Differs(difference)),
    }
}

/// An encoder of random weights, of which each weight's smallest entries are pruned.
fn pruned(device: &Device) -> Result<Encoder, Error> {
    let model = Encoder::new(&device.clone().autodiff());
    let schedule = OneShotSchedule::new(0, Sparsity::new(SPARSITY)?);
    let config = PrunerConfig::new(schedule).with_budget(UniformBudget);
    let mut pruner = config.init(MagnitudeScorerConfig::new().init(), &model)?;
    let model = pruner.attach(model)?;
    let model = pruner.step(model, &GradientsParams::new())?;
    Ok(pruner.finish(model)?.valid())
}

/// The sizes of the model's dense and sparse files.
fn files(model: &Encoder) -> Result<(u64, u64), Error> {
    let folder = tempfile::tempdir().map_err(|error| Error::Io("a folder".to_string(), error))?;
    let path = folder.path().join("model.safetensors");
    let size = || std::fs::metadata(&path).map_or(0, |data| data.len());
    burn_seven::sparse::save_dense(model, &path)?;
    let dense = size();
    burn_seven::sparse::save(model, &path)?;
    Ok((dense, size()))
}
