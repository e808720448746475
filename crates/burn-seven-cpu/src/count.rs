//! Counting scores by a digit of their keys.

use std::sync::{Mutex, PoisonError};

use burn_seven_kernels::{Digit, Histogram, key_of};
use rayon::prelude::*;

use crate::{Flag, Scored, pieces, simd::dispatch};

/// Entries looked at together for any that lies in the digit's bins.
const BLOCK: usize = 64;

/// Adds the unreserved candidates of some tensors, each with what its mask drops, to `counts`.
///
/// # Panics
///
/// When slices of one tensor differ in length, or the histogram has another number of bins than
/// the digit.
pub fn count<F: Flag>(tensors: &[(Scored<'_, F>, &[F])], digit: Digit, counts: &mut Histogram) {
    assert_eq!(counts.kept.len(), digit.bins(), "bins of the histogram");
    let mut jobs = Vec::new();
    let mut regrows = false;
    for (index, (scored, pruned)) in tensors.iter().enumerate() {
        let total = scored.total(pruned);
        let length = pieces::length(total);
        jobs.extend((0..total).step_by(length).map(|start| {
            let part = start..(start + length).min(total);
            (index, part)
        }));
        regrows |= scored.regrows;
    }
    let above = counts.above.len();
    counts.above.resize(above + tensors.len(), 0);
    let shared = Mutex::new((counts, above));
    // One histogram a thread for all tensors together, not one for each piece of each.
    let entries: usize = jobs.iter().map(|(_, part)| part.len()).sum();
    let threads = entries.div_ceil(pieces::length_counted(entries)).max(1);
    let share = jobs.len().div_ceil(threads);
    let longest = jobs.iter().map(|(_, part)| part.len()).max().unwrap_or(0);
    let share = share.min(u32::MAX as usize / longest.max(1)).max(1);
    jobs.par_chunks(share).for_each(|jobs| {
        let sides = if regrows { 2 } else { 1 };
        let mut piece = Piece {
            bins: vec![0; sides * digit.bins()],
            above: 0,
            nan: 0,
        };
        let mut aboves = Vec::with_capacity(jobs.len());
        for (index, part) in jobs {
            let (scored, pruned) = &tensors[*index];
            let scored = scored.part(part.clone());
            piece.above = 0;
            count_piece(scored, &pruned[part.clone()], digit, &mut piece);
            aboves.push((*index, piece.above));
        }
        // Sums of integers: the same in any order.
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (counts, first) = &mut *shared;
        let (kept, pruned) = piece.bins.split_at(digit.bins());
        add(&mut counts.kept, kept);
        add(&mut counts.pruned, pruned);
        counts.nan += piece.nan;
        for (index, above) in aboves {
            counts.above[*first + index] += above;
        }
    });
}

/// Adds one piece's bins, of which there may be none.
pub(crate) fn add(to: &mut [u64], from: &[u32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += u64::from(from);
    }
}

/// What one thread counts: less than 2^32 entries at a time.
struct Piece {
    /// The bins of entries that are kept, then, where pruned ones may return, of those.
    bins: Vec<u32>,
    above: u64,
    nan: u64,
}

#[inline(always)]
fn body<F: Flag>(scored: Scored<'_, F>, pruned: &[F], digit: Digit, piece: &mut Piece) {
    let mut start = 0;
    for (scores, pruned) in scored.scores.chunks(BLOCK).zip(pruned.chunks(BLOCK)) {
        match scored.reserved {
            None if scored.regrows => block(scores, pruned, digit, piece, |_, _| true),
            None => block(scores, pruned, digit, piece, |_, pruned| !pruned),
            Some(reserved) => {
                let reserved = &reserved[start..start + scores.len()];
                let open = |index: usize, pruned: bool| {
                    (scored.regrows | !pruned) & !reserved[index].get()
                };
                block(scores, pruned, digit, piece, open);
            }
        }
        start += scores.len();
    }
}

/// Counts a block, without a branch for each entry: `open` says which are counted, by index and
/// by whether they are pruned.
#[inline(always)]
fn block<F: Flag>(
    scores: &[f32],
    pruned: &[F],
    digit: Digit,
    piece: &mut Piece,
    open: impl Fn(usize, bool) -> bool,
) {
    let (mut nan, mut above, mut inside) = (0u32, 0u32, 0u32);
    let entries = || scores.iter().zip(pruned).enumerate();
    match digit.prefix {
        None => {
            for (index, (&score, &pruned)) in entries() {
                nan += u32::from(score.is_nan() & open(index, pruned.get()));
            }
            inside = 1;
        }
        Some(prefix) => {
            let shift = digit.shift + digit.bits;
            for (index, (&score, &pruned)) in entries() {
                let high = key_of(score) >> shift;
                above += u32::from((high > prefix) & open(index, pruned.get()));
                inside += u32::from(high == prefix);
            }
        }
    }
    piece.nan += u64::from(nan);
    piece.above += u64::from(above);
    if inside == 0 {
        return;
    }
    let mask = digit.bins() - 1;
    let side = piece.bins.len() - digit.bins(); // 0 where pruned entries are not counted
    for (index, (&score, &pruned)) in entries() {
        let key = key_of(score);
        let here = match digit.prefix {
            None => true,
            Some(prefix) => key >> (digit.shift + digit.bits) == prefix,
        };
        let at = ((key >> digit.shift) as usize & mask) + usize::from(pruned.get()) * side;
        piece.bins[at] += u32::from(here & open(index, pruned.get()));
    }
}

dispatch!(body => fn count_piece<F: Flag>(scored: Scored<'_, F>, pruned: &[F], digit: Digit, piece: &mut Piece));
