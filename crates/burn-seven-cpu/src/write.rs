//! Writing masks in one pass.

use burn_seven_kernels::{Cut, Ties, key_of};
use rayon::prelude::*;

use crate::{Flag, Scored, pieces, simd::dispatch};

/// Writes one tensor's new mask over its old one; takes the ties that stay off the cut and gives
/// how many entries are kept.
///
/// # Panics
///
/// When the slices differ in length.
pub fn write<F: Flag>(scored: Scored<'_, F>, dropped: &mut [F], cut: &mut Cut) -> u64 {
    let total = scored.scores.len();
    assert_eq!(dropped.len(), total, "flags of what is dropped");
    assert!(
        scored
            .reserved
            .is_none_or(|reserved| reserved.len() == total)
    );
    let length = pieces::length(total);
    let starts = (0..total).step_by(length.max(1));
    let part = |start: usize| {
        let part = start..(start + length).min(total);
        Scored {
            scores: &scored.scores[part.clone()],
            returns: scored.returns,
            reserved: scored.reserved.map(|reserved| &reserved[part]),
        }
    };
    // Where only some of the ties stay, those of earlier pieces go first.
    let mut cuts: Vec<Cut> = Vec::new();
    if is_partial(cut.kept) || is_partial(cut.dropped) {
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
            cuts.push(*cut);
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

fn is_partial(ties: Ties) -> bool {
    matches!(ties, Ties::First(left) if left > 0)
}

/// How many entries at `key` are open, of those kept now and of those dropped.
fn ties_of<F: Flag>(scored: Scored<'_, F>, dropped: &[F], key: u32) -> (u64, u64) {
    let (mut kept, mut back) = (0, 0);
    for (index, &score) in scored.scores.iter().enumerate() {
        let reserved = scored
            .reserved
            .is_some_and(|reserved| reserved[index].get());
        if key_of(score) == key && !reserved {
            match dropped[index].get() {
                false => kept += 1,
                true => back += u64::from(scored.returns),
            }
        }
    }
    (kept, back)
}

#[inline(always)]
fn body<F: Flag>(scored: Scored<'_, F>, dropped: &mut [F], mut cut: Cut) -> u64 {
    let count = dropped.len();
    let scores = &scored.scores[..count];
    let mut kept = 0u64;
    let plain = scored.reserved.is_none() && !is_partial(cut.kept) && !is_partial(cut.dropped);
    if plain && !scored.returns {
        // The common case, without a branch.
        let with_ties = cut.kept == Ties::All;
        for (scores, dropped) in scores.chunks(1 << 14).zip(dropped.chunks_mut(1 << 14)) {
            let mut block = 0u32;
            for (&score, dropped) in scores.iter().zip(dropped) {
                let key = key_of(score);
                let high = (key > cut.key) | (with_ties & (key == cut.key));
                let stays = high & !dropped.get();
                block += u32::from(stays);
                *dropped = F::of(!stays);
            }
            kept += u64::from(block);
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

dispatch!(body => fn write_piece<F: Flag>(scored: Scored<'_, F>, dropped: &mut [F], cut: Cut) -> u64);
