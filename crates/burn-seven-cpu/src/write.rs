//! Writing masks in one pass.

use burn_seven_kernels::{Cut, Ties, key_of};
use rayon::prelude::*;

use crate::{Flag, Scored, pieces, simd::dispatch};

/// Entries whose count fits a small integer.
const BLOCK: usize = 1 << 14;

/// Writes one tensor's new mask over its old one; takes the ties that stay off the cut and gives
/// how many entries are kept.
///
/// # Panics
///
/// When the slices differ in length.
pub fn write<F: Flag>(scored: Scored<'_, F>, dropped: &mut [F], cut: &mut Cut) -> u64 {
    let total = scored.total(dropped);
    let length = pieces::length(total);
    let starts = (0..total).step_by(length.max(1));
    let part = |start: usize| scored.part(start..(start + length).min(total));
    // Where only some of the ties stay, those of earlier pieces go first.
    let mut cuts: Vec<Cut> = Vec::new();
    if cut.kept.is_partial() || cut.dropped.is_partial() {
        let pairs: Vec<_> = starts
            .clone()
            .map(part)
            .zip(dropped.chunks(length))
            .collect();
        let ties: Vec<(u64, u64)> = pairs
            .into_par_iter()
            .map(|(scored, dropped)| ties_of(scored, dropped, cut.key))
            .collect();
        for (kept, back) in ties {
            // Only where the ties run out is their order asked for.
            cuts.push(Cut {
                key: cut.key,
                kept: Ties::of(cut.kept.among(kept), kept),
                dropped: Ties::of(cut.dropped.among(back), back),
            });
            cut.kept = cut.kept.after(kept);
            cut.dropped = cut.dropped.after(back);
        }
    } else {
        cuts.extend(starts.clone().map(|_| *cut));
    }
    let jobs: Vec<_> = starts
        .map(part)
        .zip(dropped.chunks_mut(length))
        .zip(cuts)
        .collect();
    jobs.into_par_iter()
        .map(|((scored, dropped), cut)| write_piece(scored, dropped, cut))
        .sum()
}

#[inline(always)]
fn count_ties<F: Flag>(scored: Scored<'_, F>, dropped: &[F], key: u32) -> (u64, u64) {
    let (mut kept, mut back) = (0, 0);
    let mut start = 0;
    for (scores, dropped) in scored.scores.chunks(BLOCK).zip(dropped.chunks(BLOCK)) {
        let tie = |score: f32| u32::from(key_of(score) == key);
        let pairs = || scores.iter().zip(dropped);
        let (mut all, mut of_dropped) = (0, 0);
        match scored.reserved {
            None => {
                for (&score, &dropped) in pairs() {
                    all += tie(score);
                    of_dropped += tie(score) & u32::from(dropped.get());
                }
            }
            Some(reserved) => {
                for ((&score, &dropped), reserved) in pairs().zip(&reserved[start..]) {
                    let open = tie(score) & u32::from(!reserved.get());
                    all += open;
                    of_dropped += open & u32::from(dropped.get());
                }
            }
        }
        kept += u64::from(all - of_dropped);
        back += u64::from(if scored.returns { of_dropped } else { 0 });
        start += scores.len();
    }
    (kept, back)
}

// How many entries at `key` are open, of those kept now and of those dropped.
dispatch!(count_ties => fn ties_of<F: Flag>(scored: Scored<'_, F>, dropped: &[F], key: u32) -> (u64, u64));

#[inline(always)]
fn body<F: Flag>(scored: Scored<'_, F>, dropped: &mut [F], mut cut: Cut) -> u64 {
    let count = dropped.len();
    let scores = &scored.scores[..count];
    let mut kept = 0u64;
    if scored.reserved.is_none() && !cut.kept.is_partial() && !cut.dropped.is_partial() {
        // The common case, without a branch for each entry.
        let stay = cut.kept == Ties::All;
        let back = cut.dropped == Ties::All;
        for (scores, dropped) in scores.chunks(BLOCK).zip(dropped.chunks_mut(BLOCK)) {
            kept += u64::from(match scored.returns {
                false => block(scores, dropped, |key, dropped| {
                    ((key > cut.key) | (stay & (key == cut.key))) & !dropped
                }),
                true => block(scores, dropped, |key, dropped| {
                    let tie = (dropped & back) | (!dropped & stay);
                    (key > cut.key) | (tie & (key == cut.key))
                }),
            });
        }
        return kept;
    }
    for index in 0..count {
        let key = key_of(scores[index]);
        let was_dropped = dropped[index].get();
        let stays = if was_dropped && !scored.returns {
            false
        } else if scored
            .reserved
            .is_some_and(|reserved| reserved[index].get())
        {
            true
        } else if key != cut.key {
            key > cut.key
        } else if was_dropped {
            cut.dropped.take()
        } else {
            cut.kept.take()
        };
        kept += u64::from(stays);
        dropped[index] = F::of(!stays);
    }
    kept
}

/// Writes a block and gives how many entries stay.
#[inline(always)]
fn block<F: Flag>(scores: &[f32], dropped: &mut [F], stays: impl Fn(u32, bool) -> bool) -> u32 {
    let mut kept = 0;
    for (&score, dropped) in scores.iter().zip(dropped) {
        let stays = stays(key_of(score), dropped.get());
        kept += u32::from(stays);
        *dropped = F::of(!stays);
    }
    kept
}

dispatch!(body => fn write_piece<F: Flag>(scored: Scored<'_, F>, dropped: &mut [F], cut: Cut) -> u64);
