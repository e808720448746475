//! Scores counted while they are made.

use burn::tensor::{Bool, Tensor};

use super::Masks;
use crate::WeightGrad;
use crate::kernels::Histogram;

/// Beyond this many pools a histogram for each is not worth its memory.
const MOST_POOLS: usize = 4;

/// Counts of new scores by the highest bits of their keys, made in the same pass as the scores:
/// [`Selector::tally`](crate::Selector::tally) starts one,
/// [`ModuleScorer::update_counting`](crate::ModuleScorer::update_counting) fills it where the
/// backend can, and [`Selector::cut`](crate::Selector::cut) saves one count of its own with it.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Each weight's pool.
    pools: Vec<usize>,
    /// Each pool's counts; none where they are not worth it.
    counts: Vec<Histogram>,
    /// Whether each weight was counted.
    counted: Vec<bool>,
    /// What is pruned of each weight for good, and is not to be counted.
    dropped: Vec<Option<Tensor<1, Bool>>>,
    bits: u32,
}

impl Tally {
    /// For weights of these pools and masks.
    pub(super) fn new(pools: Vec<usize>, masks: &Masks, returns: bool, bits: u32) -> Self {
        let count = pools.iter().max().map_or(0, |last| last + 1);
        let worth = count <= MOST_POOLS;
        Self {
            counted: vec![false; pools.len()],
            counts: match worth {
                true => vec![Histogram::new(bits); count],
                false => Vec::new(),
            },
            dropped: masks
                .iter()
                .map(|mask| {
                    let pruned = !returns && mask.kept() < mask.total();
                    pruned.then(|| mask.dropped().clone())
                })
                .collect(),
            pools,
            bits,
        }
    }

    /// The weight at `index` with what is pruned of it, so that just the rest is counted.
    pub(crate) fn masked(&self, index: usize, entry: WeightGrad) -> WeightGrad {
        match self.dropped.get(index) {
            Some(Some(dropped)) => entry.with_dropped(dropped.clone()),
            _ => entry,
        }
    }

    /// Where the scores of the weight at `index` are to be counted.
    pub(crate) fn counts(&mut self, index: usize) -> Option<&mut Histogram> {
        let pool = *self.pools.get(index)?;
        self.counts.get_mut(pool)
    }

    /// Notes that the weight at `index` was counted.
    pub(crate) fn note(&mut self, index: usize) {
        if let Some(counted) = self.counted.get_mut(index) {
            *counted = true;
        }
    }

    /// The counts of a pool, if they are of just these weights and so many bits.
    pub(super) fn take(&mut self, layers: &[usize], bits: u32) -> Option<Histogram> {
        let pool = *self.pools.get(*layers.first()?)?;
        let members = self.pools.iter().filter(|&&other| other == pool).count();
        let same = layers
            .iter()
            .all(|&layer| self.pools.get(layer) == Some(&pool) && self.counted[layer]);
        if !same || members != layers.len() || bits != self.bits {
            return None;
        }
        let counts = self.counts.get_mut(pool)?;
        Some(std::mem::replace(counts, Histogram::new(1)))
    }
}
