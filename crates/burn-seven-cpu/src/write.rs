//! Writing masks in one pass.

use burn_seven_kernels::{Threshold, Ties, key_of};
use rayon::prelude::*;

use crate::{Flag, Scored, pieces, simd::dispatch};

/// Entries whose count fits a small integer.
const BLOCK: usize = 1 << 14;

/// Writes one tensor's new mask over its old one; takes the ties that stay off the threshold and gives
/// how many entries are kept.
///
/// # Panics
///
/// When the slices differ in length.
pub fn write<F: Flag>(scored: Scored<'_, F>, pruned: &mut [F], threshold: &mut Threshold) -> u64 {
    let total = scored.total(pruned);
    let length = pieces::length(total);
    let starts = (0..total).step_by(length.max(1));
    let part = |start: usize| scored.part(start..(start + length).min(total));
    // Where only some of the ties stay, those of earlier pieces go first.
    let mut cuts: Vec<Threshold> = Vec::new();
    if threshold.kept.is_partial() || threshold.pruned.is_partial() {
        let pairs: Vec<_> = starts
            .clone()
            .map(part)
            .zip(pruned.chunks(length))
            .collect();
        let ties: Vec<(u64, u64)> = pairs
            .into_par_iter()
            .map(|(scored, pruned)| ties_of(scored, pruned, threshold.key))
            .collect();
        for (kept, back) in ties {
            // Only where the ties run out is their order asked for.
            cuts.push(Threshold {
                key: threshold.key,
                kept: Ties::of(threshold.kept.among(kept), kept),
                pruned: Ties::of(threshold.pruned.among(back), back),
            });
            threshold.kept = threshold.kept.after(kept);
            threshold.pruned = threshold.pruned.after(back);
        }
    } else {
        cuts.extend(starts.clone().map(|_| *threshold));
    }
    let jobs: Vec<_> = starts
        .map(part)
        .zip(pruned.chunks_mut(length))
        .zip(cuts)
        .collect();
    jobs.into_par_iter()
        .map(|((scored, pruned), threshold)| write_piece(scored, pruned, threshold))
        .sum()
}

#[inline(always)]
fn count_ties<F: Flag>(scored: Scored<'_, F>, pruned: &[F], key: u32) -> (u64, u64) {
    let (mut kept, mut back) = (0, 0);
    let mut start = 0;
    for (scores, pruned) in scored.scores.chunks(BLOCK).zip(pruned.chunks(BLOCK)) {
        let tie = |score: f32| u32::from(key_of(score) == key);
        let pairs = || scores.iter().zip(pruned);
        let (mut all, mut of_dropped) = (0, 0);
        match scored.reserved {
            None => {
                for (&score, &pruned) in pairs() {
                    all += tie(score);
                    of_dropped += tie(score) & u32::from(pruned.get());
                }
            }
            Some(reserved) => {
                for ((&score, &pruned), reserved) in pairs().zip(&reserved[start..]) {
                    let open = tie(score) & u32::from(!reserved.get());
                    all += open;
                    of_dropped += open & u32::from(pruned.get());
                }
            }
        }
        kept += u64::from(all - of_dropped);
        back += u64::from(if scored.regrows { of_dropped } else { 0 });
        start += scores.len();
    }
    (kept, back)
}

// How many entries at `key` are open, of those kept now and of those pruned.
dispatch!(count_ties => fn ties_of<F: Flag>(scored: Scored<'_, F>, pruned: &[F], key: u32) -> (u64, u64));

#[inline(always)]
fn body<F: Flag>(scored: Scored<'_, F>, pruned: &mut [F], mut threshold: Threshold) -> u64 {
    let count = pruned.len();
    let scores = &scored.scores[..count];
    let mut kept = 0u64;
    if scored.reserved.is_none() && !threshold.kept.is_partial() && !threshold.pruned.is_partial() {
        // The common case, without a branch for each entry.
        let stay = threshold.kept == Ties::All;
        let back = threshold.pruned == Ties::All;
        for (scores, pruned) in scores.chunks(BLOCK).zip(pruned.chunks_mut(BLOCK)) {
            kept += u64::from(match scored.regrows {
                false => block(scores, pruned, |key, pruned| {
                    ((key > threshold.key) | (stay & (key == threshold.key))) & !pruned
                }),
                true => block(scores, pruned, |key, pruned| {
                    let tie = (pruned & back) | (!pruned & stay);
                    (key > threshold.key) | (tie & (key == threshold.key))
                }),
            });
        }
        return kept;
    }
    for index in 0..count {
        let key = key_of(scores[index]);
        let was_dropped = pruned[index].get();
        let stays = if was_dropped && !scored.regrows {
            false
        } else if scored
            .reserved
            .is_some_and(|reserved| reserved[index].get())
        {
            true
        } else if key != threshold.key {
            key > threshold.key
        } else if was_dropped {
            threshold.pruned.take()
        } else {
            threshold.kept.take()
        };
        kept += u64::from(stays);
        pruned[index] = F::of(!stays);
    }
    kept
}

/// Writes a block and gives how many entries stay.
#[inline(always)]
fn block<F: Flag>(scores: &[f32], pruned: &mut [F], stays: impl Fn(u32, bool) -> bool) -> u32 {
    let mut kept = 0;
    for (&score, pruned) in scores.iter().zip(pruned) {
        let stays = stays(key_of(score), pruned.get());
        kept += u32::from(stays);
        *pruned = F::of(!stays);
    }
    kept
}

dispatch!(body => fn write_piece<F: Flag>(scored: Scored<'_, F>, pruned: &mut [F], threshold: Threshold) -> u64);
