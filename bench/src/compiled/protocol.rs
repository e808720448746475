//! The lines, each a JSON object with one key.

use std::path::PathBuf;

use burn_seven_examples::bert::BertConfig;
use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Load a model and its inputs in the place of those before, and compile it
    Case(Wanted),
    /// So many runs, one after the other
    Run { way: Way, times: usize },
    /// The output, in a file
    Output { way: Way, path: PathBuf },
    /// What was compiled, on the standard error
    Report {},
}

/// A model and its inputs. Both files are safetensors; weights have PyTorch's orientation.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    pub model: Model,
    pub weights: PathBuf,
    pub inputs: PathBuf,
}

/// Which model, and its sizes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    Encoder {
        width: usize,
        inner: usize,
        heads: usize,
        layers: usize,
    },
    Minilm(BertConfig),
    Cnn {
        channels: usize,
        classes: usize,
    },
}

/// How a model runs.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// By its own forward pass
    Eager,
    Compiled,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Seconds that it took
    Compiled(f64),
    /// Of each run
    Seconds(Vec<f64>),
    Done(bool),
}
