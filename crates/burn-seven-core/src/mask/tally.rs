//! Scores counted while they are made.

use burn::tensor::{Bool, Device, Tensor};

use super::{Mask, Masks};
use crate::kernels::Histogram;
use crate::{Scores, WeightGrad};

/// Beyond this many pools a histogram for each is not worth its memory.
const MOST_POOLS: usize = 4;

/// Counts of new scores by the highest bits of their keys, made in the same pass as the scores:
/// [`Selector::tally`](crate::Selector::tally) starts one,
/// [`ModuleScorer::update_counting`](crate::ModuleScorer::update_counting) fills it where the
/// backend can, and [`Selector::cut`](crate::Selector::cut) saves one count of its own with it.
#[derive(Debug, Clone)]
pub struct Tally {
    slots: Vec<Slot>,
    /// Each pool's counts; none where they are not worth it.
    pools: Vec<Histogram>,
    bits: u32,
}

/// What is known of one weight.
#[derive(Debug, Clone)]
struct Slot {
    path: String,
    shape: Vec<usize>,
    device: Device,
    pool: usize,
    /// What is pruned for good, and is not to be counted.
    dropped: Option<Tensor<1, Bool>>,
    /// How often the scores were counted: once is right.
    counted: usize,
}

impl Slot {
    fn is_of(&self, entry: &WeightGrad) -> bool {
        self.path == entry.path() && self.shape == entry.shape() && self.device == entry.device()
    }
}

impl Tally {
    /// For weights of these masks, each in a pool.
    pub(super) fn new(pool_of: Vec<usize>, masks: &Masks, returns: bool, bits: u32) -> Self {
        let count = pool_of.iter().max().map_or(0, |last| last + 1);
        let slot = |(mask, pool): (&Mask, usize)| {
            let pruned = !returns && mask.kept() < mask.total();
            Slot {
                path: mask.path().to_string(),
                shape: mask.shape().to_vec(),
                device: mask.dropped().device(),
                pool,
                dropped: pruned.then(|| mask.dropped().clone()),
                counted: 0,
            }
        };
        Self {
            slots: masks.iter().zip(pool_of).map(slot).collect(),
            pools: match count <= MOST_POOLS {
                true => vec![Histogram::new(bits); count],
                false => Vec::new(),
            },
            bits,
        }
    }

    /// The weight at `index` with just what is pruned of it by the masks, and where its scores are
    /// to be counted; nowhere if it is not the weight that was there.
    pub(crate) fn prepare(
        &mut self,
        index: usize,
        entry: WeightGrad,
    ) -> (WeightGrad, Option<&mut Histogram>) {
        match self.slots.get(index) {
            Some(slot) if slot.is_of(&entry) => {
                let entry = entry.with_dropped(slot.dropped.clone());
                (entry, self.pools.get_mut(slot.pool))
            }
            _ => (entry, None),
        }
    }

    /// Notes that the weight at `index` was counted.
    pub(crate) fn note(&mut self, index: usize) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.counted += 1;
        }
    }

    /// Whether the counts are of these weights, in this order.
    pub(super) fn is_of(&self, scores: &Scores) -> bool {
        let paths = self.slots.iter().map(|slot| slot.path.as_str());
        paths.eq(scores.iter().map(|score| score.path()))
    }

    /// The counts of a pool, if they are of just these weights and so many bits.
    pub(super) fn take(&mut self, layers: &[usize], bits: u32) -> Option<Histogram> {
        let pool = self.slots.get(*layers.first()?)?.pool;
        let members = self.slots.iter().filter(|slot| slot.pool == pool).count();
        let counted = layers.iter().all(|&layer| {
            let slot = self.slots.get(layer);
            slot.is_some_and(|slot| slot.pool == pool && slot.counted == 1)
        });
        if !counted || members != layers.len() || bits != self.bits {
            return None;
        }
        let counts = self.pools.get_mut(pool)?;
        Some(std::mem::replace(counts, Histogram::new(1)))
    }
}
