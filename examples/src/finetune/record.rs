//! What one run was told and what it gave: one line of a results file.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::scorer_name::ScorerName;
use crate::task_name::TaskName;

/// When weights are removed.
#[derive(
    ValueEnum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Before fine-tuning, by rounds of one batch each
    Before,
    /// While fine-tuning
    During,
}

/// How the model is fine-tuned.
#[derive(
    ValueEnum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// AdamW at a constant rate, as in the paper
    Adamw,
    /// AdamW with a warm-up over a tenth of the steps, then linear decay
    AdamwLinear,
    /// SGD with momentum 0.9
    Sgd,
    /// Lion
    Lion,
    /// AdamW on LoRA adapters of a model that was pruned before
    Lora,
}

/// All that a run is told. Two runs of the same settings and backend give the same result.
#[derive(Args, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The task.
    #[arg(long, value_enum, default_value_t = TaskName::Digits)]
    pub task: TaskName,
    /// The scorer.
    #[arg(long, value_enum, default_value_t = ScorerName::Seven)]
    pub scorer: ScorerName,
    /// The share of weights to remove, in [0, 1); 0 fine-tunes the dense model.
    #[arg(long, default_value_t = 0.8)]
    pub sparsity: f64,
    /// When to remove them.
    #[arg(long, value_enum, default_value_t = When::During)]
    pub when: When,
    /// How to fine-tune.
    #[arg(long, value_enum, default_value_t = Strategy::Adamw)]
    pub strategy: Strategy,
    /// The seed of head, batches and dropout, and of the pretraining where there is one.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Epochs of fine-tuning.
    #[arg(long, default_value_t = 3)]
    pub epochs: usize,
    /// Examples in a batch.
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// The (highest) learning rate.
    #[arg(long, default_value_t = 1e-4)]
    pub learning_rate: f64,
    /// Rounds of one batch each when pruning before.
    #[arg(long, default_value_t = 100)]
    pub rounds: usize,
    /// The share of the steps before the pruning window, when pruning during.
    #[arg(long, default_value_t = 0.1)]
    pub window_start: f64,
    /// The share of the steps at which the pruning window ends.
    #[arg(long, default_value_t = 0.6)]
    pub window_end: f64,
    /// The most tokens of a text; longer ones are cut.
    #[arg(long, default_value_t = 64)]
    pub max_length: usize,
    /// The most examples to train on; 0 for all.
    #[arg(long, default_value_t = 0)]
    pub train_cap: usize,
    /// The most examples to test on; 0 for all.
    #[arg(long, default_value_t = 0)]
    pub test_cap: usize,
    /// Epochs of dense training before anything is pruned, for models that come without weights
    /// (fashion, digits).
    #[arg(long, default_value_t = 10)]
    pub pretrain_epochs: usize,
}

/// One line of a results file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What the run was told.
    pub settings: Settings,
    /// Name of the metric to compare by, a key of every epoch's metrics; more is better.
    pub metric: String,
    /// Metrics on the test set after each epoch of fine-tuning, by name, in [0, 1] (Matthews
    /// correlation: [-1, 1]). The last is the result.
    pub epochs: Vec<BTreeMap<String, f64>>,
    /// The same metrics of the answer that needs no model: the most frequent class.
    pub majority: BTreeMap<String, f64>,
    /// Step and training loss there, at about 50 steps of fine-tuning.
    pub losses: Vec<(usize, f64)>,
    /// Share of the prunable weights that are exactly 0 at the end.
    pub sparsity: f64,
    /// Each prunable weight at the end.
    pub layers: Vec<Layer>,
    /// Examples trained on.
    pub train_size: usize,
    /// Examples tested on.
    pub test_size: usize,
    /// Steps of fine-tuning.
    pub steps: usize,
    /// Wall time of the run in seconds, without pretraining.
    pub seconds: f64,
    /// Git revision of the program, `unknown` outside a checkout.
    pub revision: String,
    /// Burn's name of the device.
    pub backend: String,
}

/// One prunable weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Where it is in the model.
    pub path: String,
    /// Its entries.
    pub total: usize,
    /// Those that are not 0.
    pub kept: usize,
}

impl Run {
    /// The value to compare by: the metric after the last epoch.
    pub fn result(&self) -> Option<f64> {
        self.epochs.last()?.get(&self.metric).copied()
    }
}
