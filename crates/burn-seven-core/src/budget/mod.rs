//! How many weights may stay, and where.
//!
//! One file a budget. A budget splits the layers into pools; inside a pool the highest scores win,
//! whichever layer they are in.

mod erk;
mod global;
mod uniform;

pub use erk::ErkBudget;
pub use global::GlobalBudget;
pub use uniform::UniformBudget;

use crate::Sparsity;

/// A weight tensor as a budget sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer<'a> {
    /// Where the weight is in the module.
    pub path: &'a str,
    /// The weight's shape.
    pub shape: &'a [usize],
    /// How many of its entries can be kept: all, or with a scorer whose pruned weights do not
    /// return those that are left.
    pub candidates: usize,
}

impl Layer<'_> {
    /// How many entries the weight has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Layers that share one count of weights to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Indices into the layers.
    pub layers: Vec<usize>,
    /// How many of their weights stay in all; at most the sum of their candidates.
    pub keep: usize,
}

/// Splits the number of weights to keep over the layers of a model.
pub trait Budget: std::fmt::Debug + Send + Sync + 'static {
    /// The budget's name, lower case.
    fn name(&self) -> &'static str;

    /// Pools that name every layer exactly once, in ascending order of their layers.
    fn allocate(&self, sparsity: Sparsity, layers: &[Layer<'_>]) -> Vec<Pool>;
}
