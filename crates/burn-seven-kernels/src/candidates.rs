//! What is to stay or go, and where the line runs.

use burn::tensor::{Bool, Tensor};

/// One weight tensor's candidates for staying.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    /// The scores, float32, shape `[n]`.
    pub scores: &'a Tensor<1>,
    /// What the current mask drops, shape `[n]`.
    pub pruned: &'a Tensor<1, Bool>,
    /// Whether pruned entries may come back.
    pub regrows: bool,
    /// Entries that stay whatever their score, shape `[n]`; they are not counted.
    pub reserved: Option<&'a Tensor<1, Bool>>,
}

/// [`Candidates`] whose mask is to be replaced: the old one is given away, so that its buffer can
/// be written to.
#[derive(Debug)]
pub struct Rewrite<'a> {
    /// The scores, float32, shape `[n]`.
    pub scores: &'a Tensor<1>,
    /// What the current mask drops, shape `[n]`.
    pub pruned: Tensor<1, Bool>,
    /// Whether pruned entries may come back.
    pub regrows: bool,
    /// Entries that stay whatever their score, shape `[n]`.
    pub reserved: Option<&'a Tensor<1, Bool>>,
}

impl Rewrite<'_> {
    /// The candidates, with the mask as it is.
    pub fn candidates(&self) -> Candidates<'_> {
        Candidates {
            scores: self.scores,
            pruned: &self.pruned,
            regrows: self.regrows,
            reserved: self.reserved,
        }
    }
}

/// Which of the entries at the threshold's own key stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// All of them.
    All,
    /// The first so many, by order of tensors and then by index.
    First(u64),
}

impl Ties {
    /// `stay` of `all`.
    pub fn of(stay: u64, all: u64) -> Self {
        match stay >= all {
            true => Self::All,
            false => Self::First(stay),
        }
    }

    /// Whether the next one stays, which is then taken off.
    #[inline(always)]
    pub fn take(&mut self) -> bool {
        match self {
            Self::All => true,
            Self::First(0) => false,
            Self::First(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Whether some may stay and some not.
    pub fn is_partial(self) -> bool {
        matches!(self, Self::First(left) if left > 0)
    }

    /// Without the next `count`.
    pub fn after(self, count: u64) -> Self {
        match self {
            Self::All => Self::All,
            Self::First(left) => Self::First(left.saturating_sub(count)),
        }
    }

    /// How many of `count` stay.
    pub fn among(self, count: u64) -> u64 {
        match self {
            Self::All => count,
            Self::First(left) => left.min(count),
        }
    }
}

/// Which scores stay: all with a key above `key`, and at `key` as many as the ties say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// The key of the lowest score that may stay.
    pub key: u32,
    /// Which entries at `key` that are kept now stay.
    pub kept: Ties,
    /// Which entries at `key` that are pruned now come back.
    pub pruned: Ties,
}

impl Threshold {
    /// Below every score.
    pub const NONE: Self = Self {
        key: 0,
        kept: Ties::All,
        pruned: Ties::All,
    };
}

/// The new masks.
#[derive(Debug, Clone)]
pub struct Written {
    /// What each drops, shape `[n]`, and how many entries it keeps.
    pub masks: Vec<(Tensor<1, Bool>, u64)>,
    /// The threshold with these tensors' ties taken off, for tensors that come after them.
    pub rest: Threshold,
}

impl Written {
    /// By a function that writes one mask and takes the ties that it kept off the threshold.
    pub fn one_by_one(
        rewrites: Vec<Rewrite<'_>>,
        mut threshold: Threshold,
        write: impl Fn(Rewrite<'_>, &mut Threshold) -> (Tensor<1, Bool>, u64),
    ) -> Self {
        let masks = rewrites.into_iter().map(|one| write(one, &mut threshold));
        Self {
            masks: masks.collect(),
            rest: threshold,
        }
    }
}
