//! Choosing masks: which scores stay, exactly.

use std::sync::Arc;

use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::{Cuts, Mask, Masks, Selected, Tally};
use crate::budget::{Layer, Pool};
use crate::kernels::{
    Candidates, Cut, Digit, Histogram, KernelChoice, Kernels, Rewrite, Ties, key_of, portable,
};
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
    pub(super) kernels: KernelChoice,
}

impl Default for Selector {
    /// One threshold over all weights together, unstructured.
    fn default() -> Self {
        Self::new(GlobalBudget, Unstructured)
    }
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
            kernels: KernelChoice::default(),
        }
    }

    /// The least number of entries that stay in every weight tensor. Default: 1
    pub fn with_min_kept(mut self, min_kept: usize) -> Self {
        self.min_kept = min_kept;
        self
    }

    /// Counts and writes masks by these kernels on every device. Default: each device's own, by
    /// [`kernels::at`](crate::kernels::at)
    pub fn with_kernels(self, kernels: impl Kernels + 'static) -> Self {
        self.with_choice(KernelChoice::always(kernels))
    }

    pub(crate) fn with_choice(mut self, kernels: KernelChoice) -> Self {
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

    /// The name of the path that chooses the masks of weights on `device`.
    pub fn kernels_at(&self, device: &Device) -> &str {
        self.kernels.at(device).name()
    }

    /// Whether the pattern reserves entries by their scores.
    pub(crate) fn reserves(&self) -> bool {
        self.pattern.reserves()
    }

    pub(crate) fn choice(&self) -> &KernelChoice {
        &self.kernels
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
        let cuts = self.cut(scores, current, sparsity, returns, None)?;
        cuts.write(scores, current.clone())
    }

    /// Room to count scores while they are made, for masks of `sparsity` after `current`; see
    /// [`Tally`]. What can be known to be wrong before there are scores is found here.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select) that don't come from the scores.
    pub fn tally(
        &self,
        current: &Masks,
        sparsity: Sparsity,
        returns: bool,
    ) -> Result<Tally, Error> {
        for mask in current.iter() {
            self.pattern.check(mask.path(), mask.shape())?;
        }
        let candidates = |mask: &Mask| if returns { mask.total() } else { mask.kept() };
        let layers: Vec<Layer> = current
            .iter()
            .map(|mask| Layer {
                path: mask.path(),
                shape: mask.shape(),
                candidates: candidates(mask),
            })
            .collect();
        let mut pool_of = vec![0; layers.len()];
        for (index, pool) in self.pools(sparsity, &layers)?.iter().enumerate() {
            self.check_room(pool, &layers)?;
            for &layer in &pool.layers {
                pool_of[layer] = index;
            }
        }
        let places = current
            .iter()
            .map(|mask| (mask.dropped().device(), mask.total()));
        let bits = self.digits(places)[0];
        Ok(Tally::new(pool_of, current, returns, bits))
    }

    /// Draws the lines of [`select`](Self::select); [`Cuts::write`] then writes the masks. `tally`
    /// is of the same masks and sparsity, and counted these scores.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select).
    pub fn cut(
        &self,
        scores: &Scores,
        current: &Masks,
        sparsity: Sparsity,
        returns: bool,
        mut tally: Option<Tally>,
    ) -> Result<Cuts, Error> {
        let members = scores
            .iter()
            .map(|score| self.member(score, current, returns))
            .collect::<Result<Vec<_>, Error>>()?;
        let layers: Vec<Layer> = members.iter().map(Member::layer).collect();
        let place = |score: &WeightScore| current.position(score.path());
        let mut cuts = Cuts {
            places: scores.iter().filter_map(place).collect(),
            lines: Vec::new(),
            reserved: Vec::new(),
            held: Vec::new(),
            returns,
            kernels: self.kernels.clone(),
        };
        // Counts of other weights, or in another order, are of no use.
        tally = tally.filter(|tally| tally.is_of(scores));
        for pool in self.pools(sparsity, &layers)? {
            self.check_room(&pool, &layers)?;
            self.cut_pool(&pool, &members, returns, tally.as_mut(), &mut cuts)?;
        }
        // The tally is gone with its handles on the masks when they are written.
        drop(tally);
        cuts.held.sort_unstable();
        cuts.reserved = members.into_iter().map(|member| member.reserved).collect();
        Ok(cuts)
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
            let scores = portable::floats(score.value());
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

    /// Draws one pool's line. A weight that would fall below the minimum is taken out of the pool
    /// with exactly the minimum, and the others share what is left.
    fn cut_pool(
        &self,
        pool: &Pool,
        members: &[Member<'_>],
        returns: bool,
        tally: Option<&mut Tally>,
        cuts: &mut Cuts,
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
        // What the tally counted is of the whole pool.
        let bits = self.digits(members.iter().map(Member::place))[0];
        let mut counts = tally.and_then(|tally| tally.take(&open, bits));
        counts = counts.filter(|_| !self.pattern.reserves());
        let minimum = |index: usize| members[index].candidates.min(self.min_kept) as u64;
        loop {
            let line = self.line(&open, keep, members, returns, counts.take())?;
            // The entries above the line's last digit are mostly enough to know.
            let unsure = (0..open.len()).any(|position| {
                let index = open[position];
                let sure = line.above[position] + members[index].reserved_count as u64;
                sure < minimum(index)
            });
            let mut low = Vec::new();
            if unsure {
                let kept = self.would_keep(&open, line.cut, members, returns);
                let pairs = open.iter().copied().zip(kept);
                low.extend(
                    pairs.filter_map(|(index, kept)| (kept < minimum(index)).then_some(index)),
                );
            }
            if low.is_empty() {
                cuts.lines.push((open, line.cut));
                return Ok(());
            }
            // All of them at once: what is left for the others only shrinks, so none of these would
            // rise above its minimum again.
            for index in low {
                let held = minimum(index) as usize;
                let line = self.line(&[index], held, members, returns, None)?;
                cuts.lines.push((vec![index], line.cut));
                cuts.held.push(index);
                open.retain(|&other| other != index);
                keep = keep.saturating_sub(held);
            }
        }
    }

    /// How many entries each of these members would keep.
    fn would_keep(
        &self,
        indices: &[usize],
        mut cut: Cut,
        members: &[Member<'_>],
        returns: bool,
    ) -> Vec<u64> {
        let mut kept = Vec::new();
        for &index in indices {
            let member = &members[index];
            let rewrite = Rewrite {
                scores: member.score.value(),
                dropped: member.mask.dropped().clone(),
                returns,
                reserved: member.reserved.as_ref(),
            };
            let kernels = self.kernels.at(&member.device());
            let written = kernels.write(vec![rewrite], cut);
            cut = written.rest;
            kept.extend(written.masks.into_iter().map(|(_, kept)| kept));
        }
        kept
    }

    /// The line above which the `keep` best of these members together lie.
    fn line(
        &self,
        indices: &[usize],
        keep: usize,
        members: &[Member<'_>],
        returns: bool,
        counted: Option<Histogram>,
    ) -> Result<Line, Error> {
        let group: Vec<&Member> = indices.iter().map(|&index| &members[index]).collect();
        let reserved: usize = group.iter().map(|member| member.reserved_count).sum();
        let mut left = keep.saturating_sub(reserved) as u64;
        let mut digit = None;
        let mut counted = counted;
        let mut line = Line {
            cut: Cut::NONE,
            above: Vec::new(),
        };
        let (mut shift, mut prefix) = (32, None);
        for &bits in self.digits(members.iter().map(Member::place)) {
            shift -= bits;
            let this = Digit {
                shift,
                bits,
                prefix,
            };
            let counts = match counted.take() {
                Some(counts) if counts.nan == 0 => counts,
                _ => self.count(&group, this, returns)?,
            };
            let Some((bin, rest)) = counts.descend(left) else {
                // More places than candidates: all of them stay.
                line.above = group
                    .iter()
                    .map(|member| member.candidates as u64)
                    .collect();
                return Ok(line);
            };
            left = rest;
            prefix = Some((prefix.unwrap_or(0) << bits) | bin as u32);
            digit = Some((counts, bin));
        }
        let (counts, bin) = digit.expect("a key should have digits");
        let kept = left.min(counts.kept[bin]);
        line.cut = Cut {
            key: prefix.expect("a key should have digits"),
            kept: Ties::of(kept, counts.kept[bin]),
            dropped: Ties::of(left - kept, counts.dropped[bin]),
        };
        line.above = counts.above;
        Ok(line)
    }

    /// Counts these members' candidates by a digit of their keys.
    fn count(
        &self,
        group: &[&Member<'_>],
        digit: Digit,
        returns: bool,
    ) -> Result<Histogram, Error> {
        let mut counts = Histogram::new(digit.bits);
        let mut left = group;
        // Weights of one device are counted together.
        while let Some(first) = left.first() {
            let device = first.device();
            let run = left
                .iter()
                .take_while(|member| member.device() == device)
                .count();
            let (these, rest) = left.split_at(run);
            left = rest;
            let candidates: Vec<_> = these
                .iter()
                .map(|member| member.candidates(returns))
                .collect();
            let kernels = self.kernels.at(&device);
            kernels.count(&candidates, digit, &mut counts);
            if counts.nan > 0 {
                // Which of them: one more count of each.
                let nan = |member: &&&Member<'_>| {
                    let mut counts = Histogram::new(digit.bits);
                    kernels.count(&[member.candidates(returns)], digit, &mut counts);
                    counts.nan > 0
                };
                let first = these.iter().find(nan).unwrap_or(first);
                return Err(nan_score(first.score));
            }
        }
        Ok(counts)
    }

    /// How many bits of the key each count takes for weights of these devices and sizes: what the
    /// kernels prefer, if they agree, and few where counts would be larger than the model.
    fn digits(&self, places: impl Iterator<Item = (Device, usize)>) -> &'static [u32] {
        let mut digits: Option<&'static [u32]> = None;
        let mut total = 0;
        for (device, count) in places {
            total += count;
            let own = self.kernels.at(&device).digits();
            if digits.is_some_and(|digits| digits != own) {
                return SMALL_DIGITS;
            }
            digits = Some(own);
        }
        match digits {
            Some(digits) if total >= LARGE => digits,
            _ => SMALL_DIGITS,
        }
    }
}

/// What any kernels count fast, with small histograms.
const SMALL_DIGITS: &[u32] = &[11, 11, 10];

/// From so many weights on, fewer and larger counts are faster.
const LARGE: usize = 1 << 19;

/// Where the line of some weights runs.
struct Line {
    cut: Cut,
    /// How many unreserved entries of each weight surely lie above it.
    above: Vec<u64>,
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

    fn device(&self) -> Device {
        self.score.value().device()
    }

    fn place(&self) -> (Device, usize) {
        (self.device(), self.mask.total())
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
