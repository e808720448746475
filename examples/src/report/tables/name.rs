//! The tables by name.

use clap::ValueEnum;

/// The tables there are.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableName {
    /// Scorers by sparsity, pruned before fine-tuning
    Before,
    /// Scorers by sparsity, pruned during fine-tuning
    During,
    /// The other metrics of tasks that have several
    Others,
    /// SEVEN against its ablations
    Idea,
    /// Scorers by strategy
    Strategies,
    /// The paper's points beside ours
    Paper,
    /// Seconds a run
    Time,
}

impl TableName {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Before,
        Self::During,
        Self::Others,
        Self::Idea,
        Self::Strategies,
        Self::Paper,
        Self::Time,
    ];

    /// What the table shows.
    pub fn about(self) -> &'static str {
        match self {
            Self::Before => "scorers by sparsity, pruned before fine-tuning",
            Self::During => "scorers by sparsity, pruned during fine-tuning",
            Self::Others => "the other metrics of tasks that have several",
            Self::Idea => "SEVEN against its ablations, seed by seed",
            Self::Strategies => "scorers by how the model is fine-tuned",
            Self::Paper => "the paper's points beside ours",
            Self::Time => "seconds a run",
        }
    }
}
