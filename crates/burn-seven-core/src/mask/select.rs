//! Choosing masks: which scores stay, exactly.

use std::sync::Arc;

use burn::tensor::{Bool, Tensor, TensorData};

use super::{Mask, Masks};
use crate::budget::{Layer, Pool};
use crate::kernels::{self, BINS, Candidates, Cut, Histogram, Kernels, Portable, key_of};
use crate::scorer::WeightScore;
use crate::{Budget, Error, GlobalBudget, Pattern, Scores, Sparsity, Unstructured};

/// Chooses masks from scores: the highest stay, in the number that the budget gives each pool, in
/// the shapes that the pattern asks for.
///
/// Counts are exact and ties deterministic: an entry that is kept now goes before one that would
/// return, then the earlier weight, then the lower index.
#[derive(Debug, Clone)]
pub struct Selector {
    pub(super) budget: Arc<dyn Budget>,
    pub(super) pattern: Arc<dyn Pattern>,
    pub(super) min_kept: usize,
    pub(super) kernels: Arc<dyn Kernels>,
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

    /// Counts and writes masks by a backend's own kernels. Default: [`Portable`]
    pub fn with_kernels(mut self, kernels: impl Kernels + 'static) -> Self {
        self.kernels = Arc::new(kernels);
        self
    }

    pub(crate) fn with_shared_kernels(mut self, kernels: Arc<dyn Kernels>) -> Self {
        self.kernels = kernels;
        self
    }

    pub(crate) fn min_kept(&self) -> usize {
        self.min_kept
    }

    /// The budget's and the pattern's name.
    pub(crate) fn names(&self) -> (&'static str, String) {
        (self.budget.name(), self.pattern.name())
    }

    /// The name of the path that chooses the masks.
    pub fn kernels(&self) -> &'static str {
        self.kernels.name()
    }

    /// Chooses masks of `sparsity` by `scores`.
    ///
    /// `current` are the masks so far; with `returns` what they drop may come back, else they can
    /// only shrink (and where fewer weights are left than the sparsity allows, all of them stay).
    ///
    /// # Errors
    ///
    /// [`Error::NonFinite`] for a NaN score; [`Error::MinimumTooLarge`]; [`Error::ShapeMismatch`] or
    /// [`Error::WeightAdded`] for masks that do not fit the scores; [`Error::PatternShape`]; what a
    /// custom scorer, budget or pattern gets wrong.
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
            self.check_room(&pool, &layers)?;
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

    fn member<'a>(
        &self,
        score: &'a WeightScore,
        current: &'a Masks,
        returns: bool,
    ) -> Result<Member<'a>, Error> {
        let mask = current.find(score.path(), score.shape())?;
        self.pattern.check(score.path(), score.shape())?;
        score.check_length(mask.total())?;
        let mut member = Member {
            score,
            mask,
            candidates: if returns { mask.total() } else { mask.kept() },
            reserved: None,
            reserved_count: 0,
        };
        if self.pattern.reserves() {
            let scores = kernels::floats(score.value());
            if scores.iter().any(|score| score.is_nan()) {
                return Err(nan_score(score));
            }
            let keys: Vec<u32> = scores.into_iter().map(key_of).collect();
            let kept = mask.to_vec();
            let all = vec![true; kept.len()];
            let eligible = if returns { &all } else { &kept };
            let reserved = self.reserve(mask, &keys, eligible, &kept)?;
            member.reserved_count = reserved.iter().filter(|&&reserved| reserved).count();
            let data = TensorData::new(reserved, [kept.len()]);
            member.reserved = Some(Tensor::from_data(data, &mask.dropped().device()));
        }
        Ok(member)
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
        // Where the pattern fixes the count, what it reserves is all that stays.
        let fixed: Option<usize> = pool
            .layers
            .iter()
            .map(|&index| self.pattern.reserved_count(members[index].score.shape()))
            .sum();
        if fixed == Some(keep) {
            keep = pool
                .layers
                .iter()
                .map(|&index| members[index].reserved_count)
                .sum();
        }
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
                return Err(nan_score(member.score));
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

fn nan_score(score: &WeightScore) -> Error {
    Error::NonFinite {
        what: "score",
        path: score.path().to_string(),
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
