//! Choosing masks: which scores stay, exactly.

use std::sync::Arc;

use burn::tensor::{Bool, Tensor, TensorData};

use super::{Mask, Masks};
use crate::budget::{Layer, Pool};
use crate::kernels::{self, BINS, Candidates, Cut, Histogram, Kernels, Portable, key_of};
use crate::pattern::Ranked;
use crate::scorer::WeightScore;
use crate::{Budget, Error, GlobalBudget, Pattern, Scores, Sparsity, Unstructured};

/// Chooses masks from scores: the highest stay, in the number that the budget gives each pool, in
/// the shapes that the pattern asks for.
///
/// Counts are exact and ties deterministic: an entry that is kept now goes before one that would
/// return, then the earlier weight, then the lower index.
#[derive(Debug, Clone)]
pub struct Selector {
    budget: Arc<dyn Budget>,
    pattern: Arc<dyn Pattern>,
    min_kept: usize,
    kernels: Arc<dyn Kernels>,
}

impl Default for Selector {
    /// One threshold over all weights together, unstructured.
    fn default() -> Self {
        Self::new(GlobalBudget, Unstructured)
    }
}

/// What a [`Selector`] chose.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The new masks.
    pub masks: Masks,
    /// Weights that were about to lose more than the minimum allows, and were held at it.
    pub held: Vec<String>,
}

/// Everything about one weight that selection needs.
struct Member<'a> {
    score: &'a WeightScore,
    mask: &'a Mask,
    candidates: usize,
    reserved: Option<Tensor<1, Bool>>,
    reserved_count: usize,
}

impl Selector {
    /// From a budget and a pattern.
    pub fn new(budget: impl Budget, pattern: impl Pattern) -> Self {
        Self::from_parts(Arc::new(budget), Arc::new(pattern), 1)
    }

    pub(crate) fn from_parts(
        budget: Arc<dyn Budget>,
        pattern: Arc<dyn Pattern>,
        min_kept: usize,
    ) -> Self {
        Self {
            budget,
            pattern,
            min_kept,
            kernels: Arc::new(Portable),
        }
    }

    /// The least number of entries that stay in every weight tensor. Default: 1
    pub fn with_min_kept(mut self, min_kept: usize) -> Self {
        self.min_kept = min_kept;
        self
    }

    /// The name of the path that chooses the masks.
    pub fn kernels(&self) -> &'static str {
        self.kernels.name()
    }

    /// Checks, before any work, that budget and pattern can reach `target` on weights of these
    /// paths and shapes.
    ///
    /// # Errors
    ///
    /// [`Error::PatternShape`], [`Error::PatternSparsity`], [`Error::MinimumTooLarge`] or
    /// [`Error::InvalidBudget`].
    pub fn check(&self, target: Sparsity, shapes: &[(&str, &[usize])]) -> Result<(), Error> {
        for (path, shape) in shapes {
            self.pattern.check(path, shape)?;
        }
        let layers: Vec<Layer> = shapes
            .iter()
            .map(|(path, shape)| Layer {
                path,
                shape,
                candidates: shape.iter().product(),
            })
            .collect();
        for pool in self.pools(target, &layers)? {
            let counts = || pool.layers.iter().map(|&index| layers[index].count());
            let total: usize = counts().sum();
            let fixed: Option<usize> = pool
                .layers
                .iter()
                .map(|&index| self.pattern.reserved_count(layers[index].shape))
                .sum();
            if let Some(fixed) = fixed.filter(|&fixed| fixed != pool.keep) {
                let share = |kept: usize| (total - kept) as f64 / total as f64;
                return Err(Error::PatternSparsity {
                    pattern: self.pattern.name(),
                    expected: share(fixed),
                    found: share(pool.keep),
                });
            }
            let required: usize = counts().map(|count| count.min(self.min_kept)).sum();
            if pool.layers.len() > 1 && required > pool.keep {
                return Err(Error::MinimumTooLarge {
                    required,
                    kept: pool.keep,
                });
            }
        }
        Ok(())
    }

    /// Chooses masks of `sparsity` by `scores`.
    ///
    /// `current` are the masks so far; with `returns` what they drop may come back, else they can
    /// only shrink (and where fewer weights are left than the sparsity allows, all of them stay).
    ///
    /// # Errors
    ///
    /// [`Error::NonFinite`] for a NaN score, and those of [`check`](Self::check) and of masks that
    /// do not fit the scores.
    pub fn select(
        &self,
        scores: &Scores,
        current: &Masks,
        sparsity: Sparsity,
        returns: bool,
    ) -> Result<Selected, Error> {
        let members = scores
            .iter()
            .map(|score| self.member(score, current, returns))
            .collect::<Result<Vec<_>, Error>>()?;
        let layers: Vec<Layer> = members.iter().map(Member::layer).collect();
        let mut chosen: Vec<Option<Mask>> = vec![None; members.len()];
        let mut held = Vec::new();
        for pool in self.pools(sparsity, &layers)? {
            self.select_pool(&pool, &members, returns, &mut chosen, &mut held)?;
        }
        held.sort_unstable();
        let masks = chosen
            .into_iter()
            .map(|mask| mask.expect("every weight should be in a pool"));
        Ok(Selected {
            masks: Masks::new(masks.collect()),
            held: held
                .into_iter()
                .map(|index| members[index].score.path().to_string())
                .collect(),
        })
    }

    /// The budget's pools, checked to name every layer once.
    fn pools(&self, sparsity: Sparsity, layers: &[Layer<'_>]) -> Result<Vec<Pool>, Error> {
        let pools = self.budget.allocate(sparsity, layers);
        for (index, layer) in layers.iter().enumerate() {
            let named = pools.iter().flat_map(|pool| &pool.layers);
            let count = named.filter(|&&named| named == index).count();
            if count != 1 {
                return Err(Error::InvalidBudget {
                    budget: self.budget.name(),
                    path: layer.path.to_string(),
                    pools: count,
                });
            }
        }
        Ok(pools)
    }

    fn member<'a>(
        &self,
        score: &'a WeightScore,
        current: &'a Masks,
        returns: bool,
    ) -> Result<Member<'a>, Error> {
        let mask = current.find(score.path(), score.shape())?;
        self.pattern.check(score.path(), score.shape())?;
        let reserved = self.reserve(score, mask, returns);
        let reserved_count = reserved
            .as_ref()
            .map_or(0, |reserved| reserved.iter().filter(|&&r| r).count());
        Ok(Member {
            score,
            mask,
            candidates: if returns { mask.total() } else { mask.kept() },
            reserved: reserved.map(|reserved| {
                let count = reserved.len();
                let data = TensorData::new(reserved, [count]);
                Tensor::from_data(data, &mask.dropped().device())
            }),
            reserved_count,
        })
    }

    fn reserve(&self, score: &WeightScore, mask: &Mask, returns: bool) -> Option<Vec<bool>> {
        self.pattern.reserved_count(score.shape())?;
        let keys: Vec<u32> = kernels::floats(score.value())
            .into_iter()
            .map(key_of)
            .collect();
        let kept = mask.to_vec();
        let all = vec![true; keys.len()];
        self.pattern.reserve(Ranked {
            shape: score.shape(),
            keys: &keys,
            eligible: if returns { &all } else { &kept },
            kept: &kept,
        })
    }

    /// Chooses one pool's masks. A weight that would fall below the minimum is taken out of the
    /// pool with exactly the minimum, and the others share what is left.
    fn select_pool(
        &self,
        pool: &Pool,
        members: &[Member<'_>],
        returns: bool,
        chosen: &mut [Option<Mask>],
        held: &mut Vec<usize>,
    ) -> Result<(), Error> {
        let mut open = pool.layers.clone();
        let mut keep = pool.keep;
        loop {
            let masks = self.cut_and_write(&open, keep, members, returns)?;
            let minimum = |index: usize| members[index].candidates.min(self.min_kept);
            let low = open
                .iter()
                .zip(&masks)
                .position(|(&index, mask)| mask.kept() < minimum(index));
            let Some(low) = low else {
                for (&index, mask) in open.iter().zip(masks) {
                    chosen[index] = Some(mask);
                }
                return Ok(());
            };
            let index = open.remove(low);
            let mut masks = self.cut_and_write(&[index], minimum(index), members, returns)?;
            chosen[index] = masks.pop();
            held.push(index);
            keep = keep.saturating_sub(minimum(index));
        }
    }

    /// The masks that keep the `keep` best of these members together.
    fn cut_and_write(
        &self,
        indices: &[usize],
        keep: usize,
        members: &[Member<'_>],
        returns: bool,
    ) -> Result<Vec<Mask>, Error> {
        let group: Vec<&Member> = indices.iter().map(|&index| &members[index]).collect();
        let reserved: usize = group.iter().map(|member| member.reserved_count).sum();
        let mut cut = self.cut(&group, keep.saturating_sub(reserved) as u64, returns)?;
        let masks = group.iter().map(|member| {
            let written = self.kernels.write(&member.candidates(returns), cut);
            cut = written.rest;
            let (path, shape) = (member.score.path(), member.score.shape());
            Mask::new(
                path.to_string(),
                shape.to_vec(),
                written.dropped,
                written.kept,
            )
        });
        Ok(masks.collect())
    }

    /// The cut above which exactly `places` unreserved candidates lie.
    fn cut(&self, group: &[&Member<'_>], places: u64, returns: bool) -> Result<Cut, Error> {
        let mut counts = Histogram::new();
        for member in group {
            self.kernels
                .count(&member.candidates(returns), None, &mut counts);
            if counts.nan > 0 {
                return Err(Error::NonFinite {
                    what: "score",
                    path: member.score.path().to_string(),
                });
            }
        }
        let Some((upper, left)) = descend(&counts, places) else {
            return Ok(Cut {
                key: 0,
                kept_ties: u64::MAX,
                dropped_ties: u64::MAX,
            });
        };
        let mut counts = Histogram::new();
        for member in group {
            self.kernels
                .count(&member.candidates(returns), Some(upper), &mut counts);
        }
        let (lower, left) =
            descend(&counts, left).expect("the bin that holds the cut should hold enough entries");
        let kept_ties = left.min(counts.kept[lower as usize]);
        Ok(Cut {
            key: (u32::from(upper) << 16) | u32::from(lower),
            kept_ties,
            dropped_ties: left - kept_ties,
        })
    }
}

impl Member<'_> {
    fn layer(&self) -> Layer<'_> {
        Layer {
            path: self.score.path(),
            shape: self.score.shape(),
            candidates: self.candidates,
        }
    }

    fn candidates(&self, returns: bool) -> Candidates<'_> {
        Candidates {
            scores: self.score.value(),
            dropped: self.mask.dropped(),
            returns,
            reserved: self.reserved.as_ref(),
        }
    }
}

/// From the highest bin down, the bin that holds the place number `places`, and how many places
/// are left for it; none when there are no more entries than places.
fn descend(counts: &Histogram, places: u64) -> Option<(u16, u64)> {
    let mut left = places;
    for bin in (0..BINS).rev() {
        let count = counts.kept[bin] + counts.dropped[bin];
        if count > left {
            return Some((bin as u16, left));
        }
        left -= count;
    }
    None
}
