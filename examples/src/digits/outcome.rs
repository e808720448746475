//! What a run gave, and what several gave together.

use burn_seven::Report;
use serde::Serialize;

use crate::report::Sample;

/// The result of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The scorer's name.
    pub scorer: String,
    /// Whether it pruned before fine-tuning.
    pub before_training: bool,
    /// The seed.
    pub seed: u64,
    /// Epochs of each phase.
    pub epochs: u64,
    /// Test accuracy of the dense model.
    pub dense_accuracy: f64,
    /// Test accuracy of the pruned model.
    pub pruned_accuracy: f64,
    /// Bytes of the dense model's record, and of its sparse file.
    pub dense_bytes: [usize; 2],
    /// Bytes of the pruned model's record, and of its sparse file.
    pub pruned_bytes: [usize; 2],
    /// Seconds of dense training.
    pub dense_seconds: f64,
    /// Seconds of pruning and fine-tuning.
    pub pruned_seconds: f64,
    /// What was pruned.
    pub report: Report,
}

/// One scorer over several seeds.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The scorer's name.
    pub scorer: String,
    /// How many seeds.
    pub seeds: usize,
    /// Mean and standard deviation of the dense model's test accuracy.
    pub dense: [f64; 2],
    /// Mean and standard deviation of the pruned model's test accuracy.
    pub pruned: [f64; 2],
    /// The sparsity that was reached, the lowest of all seeds.
    pub sparsity: f64,
}

/// One scorer's outcomes together; none for no outcomes.
pub fn summarize(outcomes: &[Outcome]) -> Option<Summary> {
    let first = outcomes.first()?;
    let over = |value: fn(&Outcome) -> f64| -> Option<[f64; 2]> {
        let values: Vec<f64> = outcomes.iter().map(value).collect();
        let sample = Sample::of(&values)?;
        Some([sample.mean, sample.deviation.unwrap_or_default()])
    };
    Some(Summary {
        scorer: first.scorer.clone(),
        seeds: outcomes.len(),
        dense: over(|outcome| outcome.dense_accuracy)?,
        pruned: over(|outcome| outcome.pruned_accuracy)?,
        sparsity: outcomes
            .iter()
            .map(|o| o.report.sparsity)
            .fold(f64::INFINITY, f64::min),
    })
}
