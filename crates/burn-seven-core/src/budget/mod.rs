//! How many weights may stay, and where.
//!
//! One file a budget. A budget splits a model's parts into pools; inside a pool the highest scores
//! win, whichever part they are in.

mod by_group;
mod erk;
mod global;
mod uniform;

pub use by_group::GroupBudget;
pub use erk::ErkBudget;
pub use global::GlobalBudget;
pub use uniform::UniformBudget;

use crate::{Error, Sparsity};

/// What a budget gives places to: one weight tensor, or several whose units span them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Where each weight is in the module.
    pub paths: Vec<&'a str>,
    /// The shape of each weight.
    pub shapes: Vec<&'a [usize]>,
    /// Whether the structure says how much of it stays, as N:M does. A budget is asked to place such
    /// parts only where there are no others.
    pub fixed: bool,
    /// How many entries can be kept: all, or with a scorer whose pruned weights do not come back
    /// those that are left.
    pub candidates: usize,
}

impl<'a> Part<'a> {
    /// The path of its first weight.
    pub fn path(&self) -> &'a str {
        self.paths.first().copied().unwrap_or("none")
    }

    /// How many entries it has.
    pub fn count(&self) -> usize {
        let counts = self.shapes.iter();
        counts.map(|shape| shape.iter().product::<usize>()).sum()
    }
}

/// Where a schedule stands: the sparsity now, and the one that it ends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// The sparsity of the masks to choose.
    pub sparsity: Sparsity,
    /// The schedule's last.
    pub target: Sparsity,
}

impl Goal {
    /// How much of the way to the target is gone, in `[0, 1]`: the share of its sparsity that there
    /// is now.
    pub fn progress(&self) -> f64 {
        match self.target.value() {
            0.0 => 1.0,
            target => (self.sparsity.value() / target).min(1.0),
        }
    }
}

impl From<Sparsity> for Goal {
    /// There already.
    fn from(sparsity: Sparsity) -> Self {
        Self {
            sparsity,
            target: sparsity,
        }
    }
}

/// Parts that share one count of entries to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Indices of the parts.
    pub parts: Vec<usize>,
    /// How many of their entries stay in all; at most the sum of their candidates. Where units hold
    /// more than one entry, those of the highest scores stay as long as their entries fit into it.
    pub keep: usize,
}

/// Splits the number of entries to keep over the parts of a model.
pub trait Budget: std::fmt::Debug + Send + Sync + 'static {
    /// The budget's name with its numbers. Records compare it.
    fn name(&self) -> String;

    /// Checks, before any work, that the budget is one for these parts. Default: it is
    ///
    /// # Errors
    ///
    /// What does not fit, such as a group that matches nothing.
    fn check(&self, parts: &[Part<'_>]) -> Result<(), Error> {
        let _ = parts;
        Ok(())
    }

    /// Pools that name every part exactly once, in ascending order.
    fn allocate(&self, goal: Goal, parts: &[Part<'_>]) -> Vec<Pool>;
}
