//! The Rust half of `tests/interop/with_compressed_tensors.py`, and the sizes of sparse files.

use std::path::{Path, PathBuf};

use burn::module::{Module, Param};
use burn::nn::conv::{
    Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig, ConvTranspose2d,
    ConvTranspose2dConfig,
};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use burn_seven::sparse::{FloatType, SaveConfig, SparseError, load, save_dense};
use clap::Parser;

#[derive(Parser)]
#[command(about)]
enum Command {
    /// Writes the model to `FOLDER/TYPE` for each type of floats, and with its zeros to `FOLDER/dense`;
    /// convolutions to `FOLDER/convolutions-TYPE`, and as they are to `FOLDER/dense-convolutions`.
    Write { folder: PathBuf },
    /// Reads `FOLDER/NAME/model.safetensors` for each name and compares it with the model.
    Read { folder: PathBuf, names: Vec<String> },
    /// Prints what a weight of 768 x 3072 takes as a share of F32 with its zeros.
    Sizes,
}

/// One module of each kind that the Python package sees; its twin is in the script.
#[derive(Module, Debug)]
struct Model {
    embedding: Embedding,
    layers: Vec<Linear>,
    norm: LayerNorm,
    out: Linear,
}

impl Model {
    fn new(device: &Device) -> Self {
        Self {
            embedding: EmbeddingConfig::new(12, 20).init(device),
            layers: vec![
                LinearConfig::new(20, 33).init(device),
                LinearConfig::new(33, 16).init(device),
            ],
            norm: LayerNormConfig::new(16).init(device),
            out: LinearConfig::new(16, 4).init(device),
        }
    }

    /// With the values that the script gives its own, in PyTorch's orientation.
    fn filled(device: &Device) -> Self {
        let mut model = Self::new(device);
        let weight = |layer: Linear, kept| Linear {
            weight: fill(layer.weight, |at| entry(at[1], at[0], kept)),
            bias: layer.bias.map(|bias| fill(bias, |at| entry(at[0], 1, 1))),
        };
        model.embedding.weight = fill(model.embedding.weight, |at| entry(at[0], at[1], 3));
        model.layers = model
            .layers
            .into_iter()
            .map(|layer| weight(layer, 5))
            .collect();
        model.norm.gamma = fill(model.norm.gamma, |at| entry(at[0], 2, 1));
        model.norm.beta = model
            .norm
            .beta
            .map(|beta| fill(beta, |at| entry(at[0], 3, 1)));
        model.out = weight(model.out, 1);
        model
    }

    fn values(&self) -> Vec<TensorData> {
        struct Values(Vec<TensorData>);
        impl burn::module::ModuleVisitor for Values {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.push(param.val().into_data());
            }
        }
        let mut values = Values(Vec::new());
        self.visit(&mut values);
        values.0
    }
}

/// A module of each rank that the guide's lines read; its twin is in the script.
#[derive(Module, Debug)]
struct Convolutions {
    one: Conv1d,
    two: Conv2d,
    three: Conv3d,
    up: ConvTranspose2d,
    out: Linear,
}

impl Convolutions {
    fn filled(device: &Device) -> Self {
        let up = ConvTranspose2dConfig::new([4, 6], [3, 3]).with_bias(false);
        let out = LinearConfig::new(33, 16).with_bias(false).init(device);
        let mut model = Self {
            one: Conv1dConfig::new(6, 8, 5).with_bias(false).init(device),
            two: Conv2dConfig::new([4, 6], [3, 3])
                .with_bias(false)
                .init(device),
            three: Conv3dConfig::new([2, 4], [3, 3, 3])
                .with_bias(false)
                .init(device),
            up: up.init(device),
            out: Linear {
                weight: fill(out.weight, |at| entry(at[1], at[0], 5)),
                bias: None,
            },
        };
        model.one.weight = fill_rows(model.one.weight);
        model.two.weight = fill_rows(model.two.weight);
        model.three.weight = fill_rows(model.three.weight);
        model.up.weight = fill_rows(model.up.weight);
        model
    }
}

/// One of every five entries is not 0, counted by the first dimension and all others together.
fn fill_rows<const D: usize>(param: Param<Tensor<D>>) -> Param<Tensor<D>> {
    let dims = param.dims();
    fill(param, |at| {
        let column = (1..D).fold(0, |column, axis| column * dims[axis] + at[axis]);
        entry(at[0], column, 5)
    })
}

/// One of every `kept` entries is not 0; all are exact in every type.
fn entry(row: usize, column: usize, kept: usize) -> f32 {
    match (row + 2 * column) % kept {
        0 => ((7 * row + 13 * column) % 16) as f32 / 4.0 - 2.125,
        _ => 0.0,
    }
}

fn fill<const D: usize>(
    param: Param<Tensor<D>>,
    value: impl Fn([usize; D]) -> f32,
) -> Param<Tensor<D>> {
    param.map(|old| {
        let dims = old.dims();
        let place = |mut at: usize| {
            let mut index = [0; D];
            for (index, size) in index.iter_mut().zip(dims).rev() {
                (*index, at) = (at % size, at / size);
            }
            index
        };
        let values: Vec<f32> = (0..dims.iter().product())
            .map(|at| value(place(at)))
            .collect();
        Tensor::from_data(TensorData::new(values, dims), &old.device())
    })
}

const TYPES: [(&str, FloatType); 3] = [
    ("F32", FloatType::F32),
    ("F16", FloatType::F16),
    ("BF16", FloatType::BF16),
];

fn write(folder: &Path, device: &Device) -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::filled(device);
    for (name, dtype) in TYPES {
        std::fs::create_dir_all(folder.join(name))?;
        let path = folder.join(name).join("model.safetensors");
        let config = SaveConfig::new().with_dtype(dtype);
        println!("{}", config.save(&model, path)?);
        let place = folder.join(format!("convolutions-{name}"));
        std::fs::create_dir_all(&place)?;
        let convolutions = Convolutions::filled(device);
        println!(
            "{}",
            config.save(&convolutions, place.join("model.safetensors"))?
        );
    }
    let place = folder.join("dense-convolutions");
    std::fs::create_dir_all(&place)?;
    let config = SaveConfig::new().with_dense_convolutions(true);
    config.save(
        &Convolutions::filled(device),
        place.join("model.safetensors"),
    )?;
    std::fs::create_dir_all(folder.join("dense"))?;
    save_dense(&model, folder.join("dense/model.safetensors"))?;
    // Nothing to compress: the description has no targets.
    std::fs::create_dir_all(folder.join("nothing"))?;
    let mut full = Model::filled(device);
    full.embedding.weight = fill(full.embedding.weight, |at| entry(at[0], at[1], 1));
    let layer = |layer: Linear| Linear {
        weight: fill(layer.weight, |at| entry(at[1], at[0], 1)),
        bias: layer.bias,
    };
    full.layers = full.layers.into_iter().map(layer).collect();
    SaveConfig::new().save(&full, folder.join("nothing/model.safetensors"))?;
    Ok(())
}

fn read(folder: &Path, names: &[String], device: &Device) -> Result<(), SparseError> {
    let expected = Model::filled(device).values();
    for name in names {
        let path = folder.join(name).join("model.safetensors");
        let found = load(&Model::new(device), &path)?.values();
        if found != expected {
            eprintln!("{} has other values than the model", path.display());
            std::process::exit(1);
        }
        println!("{} is the model", path.display());
    }
    Ok(())
}

fn sizes(device: &Device) -> Result<(), SparseError> {
    #[derive(Module, Debug)]
    struct Layer {
        fc: Linear,
    }
    println!("| zeros | F32 | F16, BF16 |\n| ---: | ---: | ---: |");
    for zeros in [50, 70, 80, 90, 95] {
        let layer = LinearConfig::new(3072, 768).with_bias(false).init(device);
        let weight = fill(layer.weight, |[row, column]| {
            // A multiplier that visits every remainder, so that the share is exact.
            let kept = (row * 768 + column) * 61 % 100 >= zeros;
            if kept { 1.0 } else { 0.0 }
        });
        let model = Layer {
            fc: Linear { weight, bias: None },
        };
        let dense = SaveConfig::new().with_dense(true).to_bytes(&model)?.0.len() as f64;
        let share = |dtype| -> Result<f64, SparseError> {
            let (bytes, _) = SaveConfig::new().with_dtype(dtype).to_bytes(&model)?;
            Ok(bytes.len() as f64 / dense)
        };
        let (single, half) = (share(FloatType::F32)?, share(FloatType::F16)?);
        println!("| {zeros} % | {single:.3} | {half:.3} |");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = burn_seven_tests::device();
    match Command::parse() {
        Command::Write { folder } => write(&folder, &device)?,
        Command::Read { folder, names } => read(&folder, &names, &device)?,
        Command::Sizes => sizes(&device)?,
    }
    Ok(())
}
