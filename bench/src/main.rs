//! Benchmarks of the library, by command line. Nothing here is a test.

mod copy;
mod memory;
mod numbers;
mod step;
mod weights;

use std::path::PathBuf;
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
    /// Only this scorer
    #[arg(long)]
    scorer: Option<String>,
    /// Write all figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Pruning(#[from] burn_seven::Error),
    #[error("no scorer is named {0}")]
    Scorer(String),
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    #[error("figures as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

fn main() -> ExitCode {
    let Command::Step(args) = Args::parse().command;
    match step::run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("burn-seven-bench: {error}");
            ExitCode::from(2)
        }
    }
}
