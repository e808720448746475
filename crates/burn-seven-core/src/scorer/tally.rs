//! Scores counted while they are made.

use std::sync::Arc;

use burn::tensor::{Bool, Tensor};

use super::Scores;
use crate::WeightGrad;
use crate::kernels::Histogram;
use crate::weights::Weight;

/// Beyond this many pools a histogram for each is not worth its memory.
const MOST_POOLS: usize = 4;

/// Counts of new scores by the highest bits of their keys, made in the same pass as the scores. It
/// saves the selection one count of its own.
#[derive(Debug, Clone)]
pub struct Tally {
    entries: Vec<Entry>,
    /// Each pool's counts; none where they are not worth it.
    pools: Vec<Histogram>,
    bits: u32,
}

/// What is known of one weight.
#[derive(Debug, Clone)]
struct Entry {
    weight: Arc<Weight>,
    pool: usize,
    /// What is pruned for good, and is not to be counted.
    pruned: Option<Tensor<1, Bool>>,
    /// How often the scores were counted: once is right.
    counted: usize,
}

impl Tally {
    /// For weights with what is pruned of them for good, each in a pool.
    pub(crate) fn new(
        weights: impl Iterator<Item = (Arc<Weight>, Option<Tensor<1, Bool>>, usize)>,
        bits: u32,
    ) -> Self {
        let entry = |(weight, pruned, pool)| Entry {
            weight,
            pool,
            pruned,
            counted: 0,
        };
        let entries: Vec<Entry> = weights.map(entry).collect();
        let pools = entries.iter().map(|entry| entry.pool + 1).max();
        Self {
            pools: match pools.unwrap_or(0) {
                count if count <= MOST_POOLS => vec![Histogram::new(bits); count],
                _ => Vec::new(),
            },
            entries,
            bits,
        }
    }

    /// The weight at `index` with just what is pruned of it by the masks, and where its scores are
    /// to be counted; nowhere if it is not the weight that was there.
    pub(super) fn prepare(
        &mut self,
        index: usize,
        sample: WeightGrad,
    ) -> (WeightGrad, Option<&mut Histogram>) {
        match self.entries.get(index) {
            Some(entry) if entry.weight.check(sample.weight()).is_ok() => {
                let sample = sample.with_pruned(entry.pruned.clone());
                (sample, self.pools.get_mut(entry.pool))
            }
            _ => (sample, None),
        }
    }

    /// Notes that the weight at `index` was counted.
    pub(super) fn note(&mut self, index: usize) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.counted += 1;
        }
    }

    /// Whether the counts are of these weights, in this order.
    pub(crate) fn is_of(&self, scores: &Scores) -> bool {
        let paths = self.entries.iter().map(|entry| entry.weight.path());
        paths.eq(scores.iter().map(|score| score.path()))
    }

    /// The counts of a pool, if they are of just these weights and so many bits.
    pub(crate) fn take(&mut self, weights: &[usize], bits: u32) -> Option<Histogram> {
        let pool = self.entries.get(*weights.first()?)?.pool;
        let members = self.entries.iter().filter(|entry| entry.pool == pool);
        let counted = weights.iter().all(|&weight| {
            let entry = self.entries.get(weight);
            entry.is_some_and(|entry| entry.pool == pool && entry.counted == 1)
        });
        if !counted || members.count() != weights.len() || bits != self.bits {
            return None;
        }
        let counts = self.pools.get_mut(pool)?;
        Some(std::mem::replace(counts, Histogram::new(1)))
    }
}
