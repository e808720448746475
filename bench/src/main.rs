//! Benchmarks of the library, by command line. Nothing here is a test.

mod compiled;
mod copy;
mod encoder;
mod measure;
mod memory;
mod numbers;
mod overhead;
mod scale;
mod sparse;
mod step;
mod weights;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures what pruning costs.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One pruning step: the scores' update and new masks, per scorer
    Step(StepArgs),
    /// A training step with SEVEN, over the dense training step
    Overhead(OverheadArgs),
    /// One SEVEN step over models of growing size
    Scale(ScaleArgs),
    /// Sparse times dense against dense products, and a pruned encoder dense and packed
    Sparse(SparseArgs),
    /// Compiled models, by lines on the standard input: for benches/compare_onnxruntime.py
    Compiled(CompiledArgs),
}

/// What `step` measures.
#[derive(clap::Args)]
struct StepArgs {
    /// How many weights, split into matrices as in BERT-base
    #[arg(long, default_value_t = 85_500_000, value_parser = clap::value_parser!(u64).range(1..))]
    weights: u64,
    /// How often each step is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// How weights and gradients lie in memory
    #[arg(long, value_enum, default_value_t = weights::Layout::Row)]
    layout: weights::Layout,
    /// Only this scorer
    #[arg(long)]
    scorer: Option<String>,
    /// Write all figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `overhead` measures.
#[derive(clap::Args)]
struct OverheadArgs {
    /// How many steps of each kind are measured, with the small model ten times as many
    #[arg(long, default_value_t = 10, value_parser = at_least_one)]
    pairs: usize,
    /// Only this model: digits or encoder
    #[arg(long)]
    model: Option<String>,
    /// Write all figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `scale` measures.
#[derive(clap::Args)]
struct ScaleArgs {
    /// How many weights
    #[arg(
        long,
        value_delimiter = ',',
        default_values_t = [1_000_000, 10_000_000, 50_000_000, 100_000_000, 200_000_000, 500_000_000],
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    sizes: Vec<u64>,
    /// How often each step is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// Write all figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `sparse` measures.
#[derive(clap::Args)]
#[command(args_override_self = true)]
struct SparseArgs {
    /// How many rows of activations
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32, 128], value_parser = at_least_one)]
    rows: Vec<usize>,
    /// Shares of zeros
    #[arg(
        long,
        value_delimiter = ',',
        default_values_t = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98],
        value_parser = share
    )]
    sparsities: Vec<f64>,
    /// Inputs and outputs of the blocks that zeros come in, such as 4x4
    #[arg(long, default_value = "1x1", value_parser = block)]
    block: [usize; 2],
    /// How many threads; one and all if not given
    #[arg(long, value_delimiter = ',', value_parser = at_least_one)]
    threads: Vec<usize>,
    /// Only the last of the threads, and in no other process
    #[arg(long, hide = true)]
    in_this_process: bool,
    /// About how long each product is timed
    #[arg(long, default_value_t = 100)]
    milliseconds: u64,
    /// How often the encoder runs each way
    #[arg(long, default_value_t = 11, value_parser = at_least_one)]
    encoder_runs: usize,
    /// Show what was packed of the encoder
    #[arg(long)]
    report: bool,
    /// A Python that has torch, to time its dense product as well
    #[arg(long)]
    torch: Option<PathBuf>,
    /// Write all figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// How `compiled` runs.
#[derive(clap::Args)]
struct CompiledArgs {
    /// How many threads
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    threads: usize,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        Ok(share) => Err(format!("{share} should be in [0, 1)")),
        Err(error) => Err(format!("{error}")),
    }
}

fn block(text: &str) -> Result<[usize; 2], String> {
    let (high, wide) = text.split_once('x').ok_or("it should be such as 4x4")?;
    Ok([at_least_one(high)?, at_least_one(wide)?])
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it should be at least 1".to_string()),
        Ok(count) => Ok(count),
        Err(error) => Err(format!("{error}")),
    }
}

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Pruning(#[from] burn_seven::Error),
    #[error(transparent)]
    Digits(#[from] burn_seven_examples::digits::Error),
    #[error("no scorer is named {0}")]
    Scorer(String),
    #[error("the process that measures {0} failed")]
    Process(&'static str),
    #[error("the device: {0}")]
    Device(String),
    #[error("no model is named {0}: there are digits and encoder")]
    Model(String),
    #[error("a step failed before, and its model is gone")]
    Lost,
    #[error(transparent)]
    Sparse(#[from] burn_seven::sparse::SparseError),
    #[error("the device has no sparse product: ndarray and flex have one")]
    NoSparse,
    #[error("outputs of the packed encoder differ by {0} from those of the dense one")]
    Differs(f32),
    #[error("{0} threads: {1}")]
    Threads(usize, String),
    #[error("torch: {0}")]
    Torch(String),
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Compile(#[from] burn_seven::sparse::CompileError),
    #[error("no case is loaded")]
    NoCase,
    #[error("the input {0} {1}")]
    Input(String, String),
    #[error("tensors: {0}")]
    Tensors(#[from] safetensors::SafeTensorError),
    #[error(transparent)]
    Bert(#[from] burn_seven_examples::bert::BertError),
}

impl<M> From<burn_seven::Failed<M>> for Error {
    fn from(failed: burn_seven::Failed<M>) -> Self {
        Self::Pruning(failed.into())
    }
}

/// Writes figures to a file, if one is asked for.
fn write_json(path: Option<&Path>, figures: &impl serde::Serialize) -> Result<(), Error> {
    let Some(path) = path else {
        return Ok(());
    };
    let text = serde_json::to_string_pretty(figures)?;
    std::fs::write(path, text + "\n").map_err(|error| Error::Io(path.display().to_string(), error))
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Step(args) => step::run(&args),
        Command::Overhead(args) => overhead::run(&args),
        Command::Scale(args) => scale::run(&args),
        Command::Sparse(args) => sparse::run(&args),
        Command::Compiled(args) => compiled::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("burn-seven-bench: {error}");
            ExitCode::from(2)
        }
    }
}
