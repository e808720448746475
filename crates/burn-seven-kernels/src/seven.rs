//! One update of SEVEN's statistics.

use burn::tensor::{Bool, Tensor};

/// The numbers of one SEVEN update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SevenRule {
    /// Decay rate of the first moment.
    pub alpha_1: f64,
    /// Decay rate of the second moment.
    pub alpha_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// `1 - α1^(t+1)`, which the first moment is divided by.
    pub correction_1: f64,
    /// `1 - α2^(t+1)`, which the second moment is divided by.
    pub correction_2: f64,
    /// Whether the first moment is that of the signed gradient.
    pub signed: bool,
}

/// SEVEN's statistics of one weight tensor, each float32 of shape `[n]`.
#[derive(Debug, Clone)]
pub struct SevenTensors {
    /// First moment.
    pub moment_1: Tensor<1>,
    /// Second moment.
    pub moment_2: Tensor<1>,
    /// The score.
    pub score: Tensor<1>,
}

/// Everything that one update of one weight tensor reads.
#[derive(Debug, Clone)]
pub struct SevenStep {
    /// The numbers.
    pub rule: SevenRule,
    /// The statistics so far.
    pub state: SevenTensors,
    /// The weights, float32, shape `[n]`.
    pub weight: Tensor<1>,
    /// The gradient, float32, shape `[n]`.
    pub grad: Tensor<1>,
    /// What is pruned for good, shape `[n]`: its statistics are set to 0.
    pub pruned: Option<Tensor<1, Bool>>,
}

/// The statistics after an update.
#[derive(Debug, Clone)]
pub struct Updated {
    /// The statistics.
    pub state: SevenTensors,
    /// Whether the scores were counted in the same pass.
    pub counted: bool,
}
