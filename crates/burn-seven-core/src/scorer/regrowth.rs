//! Whether pruned weights come back, and from where.

use serde::{Deserialize, Serialize};

/// Whether a scorer lets pruned weights come back, and with what value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Regrowth {
    /// What is pruned stays pruned. The default.
    #[default]
    Never,
    /// A pruned weight keeps its value while it is pruned, gets no gradient from the optimizer, and
    /// comes back with that value; its score gets the gradient that it would have if it were kept
    /// (movement, FORCE).
    WithOldValue,
    /// A pruned weight is set to 0 whenever masks are chosen, and trained from there by the gradient
    /// that it would have if it were kept; it comes back with what became of it (PLATON).
    WithTrainedValue,
    /// A pruned weight is 0, and comes back as 0 (RigL, SET).
    FromZero,
}

impl Regrowth {
    /// Whether any come back.
    pub fn is_possible(self) -> bool {
        self != Self::Never
    }

    /// Whether stored values of pruned weights are set to 0 when masks are chosen.
    pub(crate) fn zeroes(self) -> bool {
        matches!(self, Self::WithTrainedValue | Self::FromZero)
    }

    /// Whether the optimizer is to get no gradient of pruned weights, although the scorer does.
    pub(crate) fn blocks_optimizer(self) -> bool {
        matches!(self, Self::WithOldValue | Self::FromZero)
    }
}
