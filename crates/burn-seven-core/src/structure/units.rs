//! The units of one weight, or of several that are pruned together.

use super::{Pooling, Quota};

/// Units of equal size, each a block of one weight or one block of each of several weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    /// For each weight, its index and the size of its blocks along each dimension.
    pub(crate) members: Vec<(usize, Vec<usize>)>,
    pub(crate) pooling: Pooling,
    pub(crate) quota: Option<Quota>,
}

impl Units {
    /// Blocks of one weight: the weight's index among those that the structure was given, and the
    /// size of a block along each of its dimensions, which has to divide it.
    pub fn blocks(weight: usize, block: Vec<usize>) -> Self {
        Self::coupled(vec![(weight, block)])
    }

    /// Units over several weights: the first block of each is the first unit, and so on, in row-major
    /// order. Each weight has to have as many blocks.
    pub fn coupled(members: Vec<(usize, Vec<usize>)>) -> Self {
        Self {
            members,
            pooling: Pooling::default(),
            quota: None,
        }
    }

    /// How the scores of a unit's entries become its own. Default: [`Pooling::Mean`]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// How many of each group stay; for units of one entry.
    pub fn with_quota(mut self, quota: Quota) -> Self {
        self.quota = Some(quota);
        self
    }
}
