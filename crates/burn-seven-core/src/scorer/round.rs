//! The sensitivity to the mean gradient of a round of batches, as iterative SNIP and FORCE have it.

use burn::tensor::Tensor;

use crate::RecordState;

/// Statistics of [`IterativeSnip`](super::IterativeSnip) and [`Force`](super::Force) for a weight.
#[derive(Clone, Debug, RecordState)]
pub struct RoundState {
    /// The sum of the gradients over the window so far.
    pub sum: Tensor<1>,
    /// Batches in the window so far.
    pub batches: usize,
    /// The score: `|w · ḡ|` at the end of the last window, or so far in the first.
    pub score: Tensor<1>,
    /// Windows that ended.
    pub windows: usize,
}

impl RoundState {
    /// Before the first batch.
    pub(super) fn new(weight: &Tensor<1>) -> Self {
        Self {
            sum: weight.zeros_like(),
            batches: 0,
            score: weight.zeros_like(),
            windows: 0,
        }
    }

    /// One batch more, in windows of `window` batches.
    pub(super) fn update(self, weight: Tensor<1>, grad: Tensor<1>, window: usize) -> Self {
        let sum = self.sum + grad;
        let batches = self.batches.saturating_add(1);
        let ended = batches >= window;
        let score = match ended || self.windows == 0 {
            true => (weight * sum.clone().div_scalar(batches as f64)).abs(),
            false => self.score,
        };
        match ended {
            true => Self {
                sum: sum.zeros_like(),
                batches: 0,
                score,
                windows: self.windows.saturating_add(1),
            },
            false => Self {
                sum,
                batches,
                score,
                windows: self.windows,
            },
        }
    }
}
