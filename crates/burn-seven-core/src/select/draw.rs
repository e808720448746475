//! Where the threshold of a pool runs.

use burn::tensor::Device;

use super::{Candidate, Selector, Thresholds};
use crate::Error;
use crate::budget::Pool;
use crate::kernels::{Candidates, Digit, Histogram, Threshold, Ties};
use crate::scorer::Tally;

/// What any kernels count fast, with small histograms.
const SMALL_DIGITS: &[u32] = &[11, 11, 10];

/// From so many units on, fewer and larger counts are faster.
const LARGE: usize = 1 << 19;

/// The threshold of some sets of units.
struct Line {
    thresholds: Vec<(Vec<usize>, Threshold)>,
    /// How many unreserved units of each set surely lie above it.
    above: Vec<u64>,
}

impl Selector {
    /// Draws one pool's threshold. A set that would fall below the floor is taken out of the pool
    /// with exactly the floor, and the others share what is left. `minimums` are in units.
    pub(super) fn draw_pool(
        &self,
        pool: &Pool,
        candidates: &[Candidate<'_>],
        minimums: &[usize],
        regrows: bool,
        tally: Option<&mut Tally>,
        thresholds: &mut Thresholds,
    ) -> Result<(), Error> {
        let mut open = pool.parts.clone();
        let mut keep = pool.keep;
        // Where quotas fix the count, what they reserve is all that stays.
        let fixed: Option<usize> = open
            .iter()
            .map(|&index| {
                let candidate = &candidates[index];
                let quota = candidate.set.quota?;
                Some(quota.kept(candidate.part.count()))
            })
            .sum();
        if fixed == Some(keep) {
            let reserved = open.iter().map(|&index| candidates[index].reserved_count);
            keep = reserved.sum();
        }
        // What the tally counted is of the whole pool.
        let places = candidates.iter().map(|one| (one.device(), one.set.units));
        let bits = self.digits(places)[0];
        let mut counts = tally.and_then(|tally| tally.take(&open, bits));
        let minimum = |index: usize| minimums[index] as u64;
        loop {
            let line = self.line(&open, keep, candidates, regrows, counts.take())?;
            // The units above the last digit are mostly enough to know.
            let unsure = (0..open.len()).any(|position| {
                let index = open[position];
                let sure = line.above[position] + candidates[index].reserved_count as u64;
                sure < minimum(index)
            });
            let mut low = Vec::new();
            if unsure {
                let kept = self.would_keep(&line, candidates, regrows);
                let low_ones = kept
                    .into_iter()
                    .filter(|&(index, kept)| kept < minimum(index));
                low.extend(low_ones.map(|(index, _)| index));
            }
            if low.is_empty() {
                thresholds.lines.extend(line.thresholds);
                return Ok(());
            }
            // All of them at once: what is left for the others only shrinks, so none of these would
            // rise above its floor again.
            for index in low {
                let held = minimum(index) as usize * candidates[index].set.size;
                let line = self.line(&[index], held, candidates, regrows, None)?;
                thresholds.lines.extend(line.thresholds);
                thresholds.held.push(index);
                open.retain(|&other| other != index);
                keep = keep.saturating_sub(held);
            }
        }
    }

    /// How many units each of these sets would keep.
    fn would_keep(
        &self,
        line: &Line,
        candidates: &[Candidate<'_>],
        regrows: bool,
    ) -> Vec<(usize, u64)> {
        let mut kept = Vec::new();
        for (indices, threshold) in &line.thresholds {
            let mut threshold = *threshold;
            for &index in indices {
                let candidate = &candidates[index];
                let kernels = self.choice().at(&candidate.device());
                let written = kernels.write(vec![candidate.rewrite(regrows)], threshold);
                threshold = written.rest;
                kept.extend(written.masks.into_iter().map(|(_, kept)| (index, kept)));
            }
        }
        kept
    }

    /// The threshold above which the best units of these sets together lie, as many as hold `keep`
    /// entries.
    fn line(
        &self,
        indices: &[usize],
        keep: usize,
        candidates: &[Candidate<'_>],
        regrows: bool,
        counted: Option<Histogram>,
    ) -> Result<Line, Error> {
        let group: Vec<&Candidate> = indices.iter().map(|&index| &candidates[index]).collect();
        let reserved: usize = group
            .iter()
            .map(|one| one.reserved_count * one.set.size)
            .sum();
        let mut left = keep.saturating_sub(reserved) as u64;
        let mut sizes: Vec<u64> = group.iter().map(|one| one.set.size as u64).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut counted = counted;
        let mut last = None;
        let (mut shift, mut prefix) = (32, None);
        let places = candidates.iter().map(|one| (one.device(), one.set.units));
        for &bits in self.digits(places) {
            shift -= bits;
            let digit = Digit {
                shift,
                bits,
                prefix,
            };
            let counts = match counted.take() {
                Some(counts) if counts.nan == 0 => vec![(sizes[0], counts)],
                _ => self.count_by_size(&group, &sizes, digit, regrows)?,
            };
            let Some((bin, rest)) = descend(&counts, left) else {
                // More places than candidates: all of them stay.
                return Ok(Line {
                    thresholds: vec![(indices.to_vec(), Threshold::NONE)],
                    above: group.iter().map(|one| one.open as u64).collect(),
                });
            };
            left = rest;
            prefix = Some((prefix.unwrap_or(0) << bits) | bin as u32);
            last = Some((digit, counts, bin));
        }
        let (digit, counts, bin) = last.expect("a key should have digits");
        let key = prefix.expect("a key should have digits");
        match counts.as_slice() {
            [(size, counts)] => {
                let stay = left / size;
                let kept = stay.min(counts.kept[bin]);
                let threshold = Threshold {
                    key,
                    kept: Ties::of(kept, counts.kept[bin]),
                    pruned: Ties::of(stay - kept, counts.pruned[bin]),
                };
                Ok(Line {
                    thresholds: vec![(indices.to_vec(), threshold)],
                    above: counts.above.clone(),
                })
            }
            _ => self.ties_of_sizes(indices, &group, digit, key, bin, left, regrows),
        }
    }

    /// The threshold at `key` of sets with units of different size: in their order, those that are
    /// kept now first, until one does not fit into the `left` entries.
    #[allow(clippy::too_many_arguments)]
    fn ties_of_sizes(
        &self,
        indices: &[usize],
        group: &[&Candidate<'_>],
        digit: Digit,
        key: u32,
        bin: usize,
        left: u64,
        regrows: bool,
    ) -> Result<Line, Error> {
        let mut counts = Vec::new();
        for one in group {
            counts.push(self.count(&[one], digit, regrows)?);
        }
        let mut left = Some(left);
        let mut take = |ties: u64, size: u64| {
            let stay = left.map_or(0, |left| left / size).min(ties);
            // One that does not fit ends it.
            left = left.filter(|_| stay == ties).map(|left| left - stay * size);
            Ties::of(stay, ties)
        };
        let size = |position: usize| group[position].set.size as u64;
        let kept: Vec<Ties> = (0..group.len())
            .map(|position| take(counts[position].kept[bin], size(position)))
            .collect();
        let pruned: Vec<Ties> = (0..group.len())
            .map(|position| take(counts[position].pruned[bin], size(position)))
            .collect();
        let thresholds = indices.iter().zip(kept.into_iter().zip(pruned));
        let threshold = |(&index, (kept, pruned))| (vec![index], Threshold { key, kept, pruned });
        Ok(Line {
            thresholds: thresholds.map(threshold).collect(),
            above: counts
                .iter()
                .flat_map(|counts| &counts.above)
                .copied()
                .collect(),
        })
    }

    /// Counts these candidates by a digit of their keys, those of each size apart.
    fn count_by_size(
        &self,
        group: &[&Candidate<'_>],
        sizes: &[u64],
        digit: Digit,
        regrows: bool,
    ) -> Result<Vec<(u64, Histogram)>, Error> {
        let counts = sizes.iter().map(|&size| {
            let group = group.iter().copied();
            let alike: Vec<_> = group.filter(|one| one.set.size as u64 == size).collect();
            Ok((size, self.count(&alike, digit, regrows)?))
        });
        counts.collect()
    }

    /// Counts these candidates by a digit of their keys.
    fn count(
        &self,
        group: &[&Candidate<'_>],
        digit: Digit,
        regrows: bool,
    ) -> Result<Histogram, Error> {
        let mut counts = Histogram::new(digit.bits);
        let mut left = group;
        // Units of one device are counted together.
        while let Some(first) = left.first() {
            let device = first.device();
            let run = left.iter().take_while(|one| one.device() == device).count();
            let (these, rest) = left.split_at(run);
            left = rest;
            let candidates: Vec<Candidates> =
                these.iter().map(|one| one.candidates(regrows)).collect();
            let kernels = self.choice().at(&device);
            kernels.count(&candidates, digit, &mut counts);
            if counts.nan > 0 {
                // Which of them: one more count of each.
                let nan = |one: &&&Candidate<'_>| {
                    let mut counts = Histogram::new(digit.bits);
                    kernels.count(&[one.candidates(regrows)], digit, &mut counts);
                    counts.nan > 0
                };
                return Err(these.iter().find(nan).unwrap_or(first).nan());
            }
        }
        Ok(counts)
    }

    /// How many bits of the key each count takes for units of these devices and numbers: what the
    /// kernels prefer, if they agree, and few where counts would be larger than the model.
    pub(super) fn digits(&self, places: impl Iterator<Item = (Device, usize)>) -> &'static [u32] {
        let mut digits: Option<&'static [u32]> = None;
        let mut total = 0;
        for (device, count) in places {
            total += count;
            let own = self.choice().at(&device).digits();
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

/// From the highest bin down, the first bin whose units do not all fit into `places` entries, and
/// how many places are left for it; none when all fit. Counts are by the size of a unit.
fn descend(counts: &[(u64, Histogram)], places: u64) -> Option<(usize, u64)> {
    if let [(1, counts)] = counts {
        return counts.descend(places);
    }
    let bins = counts.first().map_or(0, |(_, counts)| counts.kept.len());
    let mut left = places;
    for bin in (0..bins).rev() {
        let entries = counts
            .iter()
            .map(|(size, counts)| size * (counts.kept[bin] + counts.pruned[bin]));
        let entries: u64 = entries.sum();
        if entries > left {
            return Some((bin, left));
        }
        left -= entries;
    }
    None
}
