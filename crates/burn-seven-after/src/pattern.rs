//! Among which weights of a layer those to keep are chosen.

/// Among which weights of a layer those to keep are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Among all of a layer; with SparseGPT, among all of a block of inputs.
    Layer,
    /// Among those of one output, so that all outputs keep as many, and at least one; with SparseGPT,
    /// among those of one output in a block of inputs.
    Output,
    /// Of each `of` weights in a row of one output, `kept` stay, whatever the sparsity, unless
    /// that is [`Sparsity::DENSE`](burn_seven_core::Sparsity::DENSE): 2:4 is `NOfM { kept: 2, of: 4 }`.
    /// Inputs left over at the end of a row stay.
    NOfM {
        /// How many stay.
        kept: usize,
        /// Of how many.
        of: usize,
    },
}
