//! Which weights of a layer go, and what the others become.

mod factor;
mod magnitude;
mod refit;
mod select;
mod sparse_gpt;
mod wanda;

#[cfg(test)]
mod tests;

use burn_seven_core::Sparsity;

use crate::moments::Moments;
use crate::{After, AfterError, Pattern};

/// How the weights of a layer that go are chosen, and what the others become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// The smallest `|w|` go. It needs no inputs, and is there to compare with.
    Magnitude,
    /// The smallest `|w_ij| · ‖x_i‖₂` go, with the norm of input `i` over all samples. The others stay
    /// as they are. [arXiv 2306.11695](https://arxiv.org/abs/2306.11695)
    Wanda,
    /// Optimal brain surgery, input by input: the smallest `w² / [H⁻¹]_ii` of a block of inputs go, and
    /// inputs not yet visited make up for them.
    /// [arXiv 2301.00774](https://arxiv.org/abs/2301.00774)
    SparseGpt,
}

/// A layer's weight: a column for each output, with an entry for each input.
pub(crate) type Columns = Vec<Vec<f64>>;

/// What a solver made of a layer.
pub(crate) struct Solved {
    pub columns: Columns,
    pub kept: Vec<Vec<bool>>,
    /// What was added to the diagonal, in shares of its mean; 0 where nothing was solved.
    pub damping: f64,
}

/// Prunes a layer's weight.
pub(crate) fn solve(
    after: &After,
    sparsity: Sparsity,
    columns: &Columns,
    moments: &Moments,
    path: &str,
) -> Result<Solved, AfterError> {
    let masked = |kept: Vec<Vec<bool>>| Solved {
        columns: masked(columns, &kept),
        kept,
        damping: 0.0,
    };
    if sparsity == Sparsity::DENSE {
        let all = columns.iter().map(|column| vec![true; column.len()]);
        return Ok(masked(all.collect()));
    }
    let pattern = after.pattern;
    let solved = match after.solver {
        Solver::Magnitude => masked(select::keep(&magnitude::scores(columns), pattern, sparsity)),
        Solver::Wanda => masked(select::keep(
            &wanda::scores(columns, moments),
            pattern,
            sparsity,
        )),
        Solver::SparseGpt => {
            let (factor, damping) = factor::of_inverse(moments, after.damping, path)?;
            let (columns, kept) =
                sparse_gpt::solve(columns, &factor, after.block, pattern, sparsity);
            Solved {
                columns,
                kept,
                damping,
            }
        }
    };
    if !after.refit {
        return Ok(solved);
    }
    let (refitted, damping) = refit::solve(columns, &solved.kept, moments, after.damping, path)?;
    Ok(Solved {
        columns: refitted,
        kept: solved.kept,
        damping: damping.max(solved.damping),
    })
}

fn masked(columns: &Columns, kept: &[Vec<bool>]) -> Columns {
    let pairs = columns.iter().zip(kept);
    let column = |(column, kept): (&Vec<f64>, &Vec<bool>)| {
        let pairs = column.iter().zip(kept);
        pairs
            .map(|(&entry, &kept)| if kept { entry } else { 0.0 })
            .collect()
    };
    pairs.map(column).collect()
}

impl Pattern {
    /// Whether masks are chosen within one output.
    fn is_within_output(self) -> bool {
        !matches!(self, Pattern::Layer)
    }
}
