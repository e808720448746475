//! One weight tensor's scores and what may become of them, on the device.

use burn::tensor::{Bool, Tensor};
use burn_cubecl::tensor::CubeTensor;

use crate::Tensors;

/// Scores and what bears on them; all tensors are of one length.
pub struct Scored {
    /// The scores.
    pub scores: CubeTensor,
    /// What the current mask drops.
    pub pruned: CubeTensor,
    /// Whether pruned entries may come back.
    pub regrows: bool,
    /// Entries that stay whatever their score.
    pub reserved: Option<CubeTensor>,
}

impl Scored {
    /// Whether these tensors are for the kernels.
    pub fn fits<B: Tensors>(
        scores: &Tensor<1>,
        pruned: &Tensor<1, Bool>,
        reserved: Option<&Tensor<1, Bool>>,
    ) -> bool {
        let with = |flags: &Tensor<1, Bool>| {
            B::has_flags(flags)
                && flags.dtype() == pruned.dtype()
                && flags.device() == scores.device()
                && flags.shape() == scores.shape()
        };
        B::has_floats(scores) && with(pruned) && reserved.is_none_or(with)
    }

    /// Of tensors that [`fits`](Self::fits) was said of.
    pub fn new<B: Tensors>(
        scores: Tensor<1>,
        pruned: Tensor<1, Bool>,
        regrows: bool,
        reserved: Option<Tensor<1, Bool>>,
    ) -> Self {
        Self {
            scores: B::take_floats(scores),
            pruned: B::take_flags(pruned),
            regrows,
            reserved: reserved.map(B::take_flags),
        }
    }

    /// All of the tensors.
    pub fn tensors(&self) -> Vec<&CubeTensor> {
        let always = [&self.scores, &self.pruned];
        always.into_iter().chain(&self.reserved).collect()
    }
}
