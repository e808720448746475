//! Counting scores by a digit of their keys.

use burn_seven_kernels::{Digit, Histogram, key_of};
use rayon::prelude::*;

use crate::{Flag, Scored, pieces, simd::dispatch};

/// Entries looked at together for any that lies in the digit's bins.
const BLOCK: usize = 64;

/// Adds the unreserved candidates of one tensor to `counts`.
///
/// # Panics
///
/// When the slices differ in length, or the histogram has another number of bins than the digit.
pub fn count<F: Flag>(scored: Scored<'_, F>, dropped: &[F], digit: Digit, counts: &mut Histogram) {
    let total = scored.scores.len();
    assert_eq!(dropped.len(), total, "flags of what is dropped");
    assert!(
        scored
            .reserved
            .is_none_or(|reserved| reserved.len() == total)
    );
    assert_eq!(counts.kept.len(), digit.bins(), "bins of the histogram");
    let length = pieces::length(total);
    let counts = std::sync::Mutex::new((counts, 0));
    let starts = (0..total).step_by(length.max(1));
    let parts: Vec<_> = starts
        .map(|start| start..(start + length).min(total))
        .collect();
    parts.into_par_iter().for_each(|part| {
        let scored = Scored {
            scores: &scored.scores[part.clone()],
            returns: scored.returns,
            reserved: scored.reserved.map(|reserved| &reserved[part.clone()]),
        };
        let mut piece = Piece {
            kept: vec![0; digit.bins()],
            dropped: vec![0; if scored.returns { digit.bins() } else { 0 }],
            above: 0,
            nan: 0,
        };
        count_piece(scored, &dropped[part], digit, &mut piece);
        let mut guard = counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (counts, above) = &mut *guard;
        add(&mut counts.kept, &piece.kept);
        add(&mut counts.dropped, &piece.dropped);
        counts.nan += piece.nan;
        *above += piece.above;
    });
    let (counts, above) = counts
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    counts.above.push(above);
}

/// Adds one piece's bins, of which there may be none.
pub(crate) fn add(to: &mut [u64], from: &[u32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += u64::from(from);
    }
}

/// What one thread counts; a tensor has less than 2^32 entries a thread.
struct Piece {
    kept: Vec<u32>,
    dropped: Vec<u32>,
    above: u64,
    nan: u64,
}

#[inline(always)]
fn body<F: Flag>(scored: Scored<'_, F>, dropped: &[F], digit: Digit, piece: &mut Piece) {
    let counted = |index: usize| {
        let reserved = scored
            .reserved
            .is_some_and(|reserved| reserved[index].get());
        (scored.returns || !dropped[index].get()) && !reserved
    };
    let bin = |key: u32| (key >> digit.shift) as usize & (digit.bins() - 1);
    let mut put = |index: usize, key: u32| {
        let bins = match dropped[index].get() {
            true => &mut piece.dropped,
            false => &mut piece.kept,
        };
        bins[bin(key)] += 1;
    };
    let (mut nan, mut above) = (0, 0);
    match digit.prefix {
        None => {
            for (index, &score) in scored.scores.iter().enumerate() {
                if counted(index) {
                    match score.is_nan() {
                        true => nan += 1,
                        false => put(index, key_of(score)),
                    }
                }
            }
        }
        Some(prefix) => {
            let shift = digit.shift + digit.bits;
            for start in (0..scored.scores.len()).step_by(BLOCK) {
                let end = (start + BLOCK).min(scored.scores.len());
                let mut any = false;
                let mut higher = 0u32;
                for index in start..end {
                    let high = key_of(scored.scores[index]) >> shift;
                    higher += u32::from((high > prefix) & counted(index));
                    any |= high == prefix;
                }
                above += u64::from(higher);
                if any {
                    for index in start..end {
                        let key = key_of(scored.scores[index]);
                        if key >> shift == prefix && counted(index) {
                            put(index, key);
                        }
                    }
                }
            }
        }
    }
    piece.nan += nan;
    piece.above += above;
}

dispatch!(body => fn count_piece<F: Flag>(scored: Scored<'_, F>, dropped: &[F], digit: Digit, piece: &mut Piece));
