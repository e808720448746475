//! SEVEN's update in one pass.

use std::ops::AddAssign;
use std::sync::{Mutex, PoisonError};

use burn_seven_kernels::{Histogram, SevenRule, key_of};
use rayon::prelude::*;

use crate::{Flag, pieces, simd::dispatch};

/// Entries updated before their scores are counted: they are still in the first cache then.
const BLOCK: usize = 2048;

/// The slices of one update, all of one length.
#[derive(Debug)]
pub struct Seven<'a, F> {
    /// First moment.
    pub moment_1: &'a mut [f32],
    /// Second moment.
    pub moment_2: &'a mut [f32],
    /// The score.
    pub score: &'a mut [f32],
    /// The weights.
    pub weight: &'a [f32],
    /// The gradient.
    pub grad: &'a [f32],
    /// What is pruned for good: its statistics are set to 0.
    pub pruned: Option<&'a [F]>,
}

/// A bin: narrow ones where each thread has its own, wide ones where they are summed.
trait Count: Copy + From<bool> + AddAssign {}

impl Count for u32 {}
impl Count for u64 {}

/// The rule's numbers as they are used.
#[derive(Clone, Copy)]
struct Numbers {
    alpha_1: f32,
    rest_1: f32,
    alpha_2: f32,
    rest_2: f32,
    scale_1: f32,
    scale_2: f32,
    epsilon: f32,
    signed: bool,
}

impl From<&SevenRule> for Numbers {
    fn from(rule: &SevenRule) -> Self {
        Self {
            alpha_1: rule.alpha_1 as f32,
            rest_1: (1.0 - rule.alpha_1) as f32,
            alpha_2: rule.alpha_2 as f32,
            rest_2: (1.0 - rule.alpha_2) as f32,
            scale_1: (1.0 / rule.correction_1) as f32,
            scale_2: (1.0 / rule.correction_2) as f32,
            epsilon: rule.epsilon as f32,
            signed: rule.signed,
        }
    }
}

/// Updates the statistics in place, and counts the new scores of entries that are not pruned by
/// the highest bits of their keys, as many as the histogram has bins for.
///
/// # Panics
///
/// When the slices differ in length.
pub fn seven<F: Flag>(rule: &SevenRule, slices: Seven<'_, F>, counts: Option<&mut Histogram>) {
    let count = slices.score.len();
    let lengths = [
        slices.moment_1.len(),
        slices.moment_2.len(),
        slices.weight.len(),
        slices.grad.len(),
        slices.pruned.map_or(count, <[F]>::len),
    ];
    assert!(
        lengths.iter().all(|&length| length == count),
        "the slices of one update should be of one length: {count} and {lengths:?}"
    );
    let numbers = Numbers::from(rule);
    let Some(counts) = counts else {
        let parts: Vec<_> = split(slices, pieces::length(count)).collect();
        parts
            .into_par_iter()
            .for_each(|part| update_piece::<F, u64>(numbers, part, None));
        return;
    };
    let length = pieces::length_counted(count);
    if count <= length {
        update_piece(numbers, slices, Some(&mut counts.kept));
        return;
    }
    let parts: Vec<_> = split(slices, length).collect();
    let bin_count = counts.kept.len();
    // Summed as each piece ends: integers, so in any order.
    let counts = Mutex::new(counts);
    parts.into_par_iter().for_each(|part| {
        let mut bins = vec![0u32; bin_count];
        update_piece(numbers, part, Some(&mut bins));
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        crate::count::add(&mut counts.kept, &bins);
    });
}

/// Cuts the slices into pieces of a length.
#[inline(always)]
fn split<F: Flag>(slices: Seven<'_, F>, length: usize) -> impl Iterator<Item = Seven<'_, F>> {
    let zipped = slices
        .moment_1
        .chunks_mut(length)
        .zip(slices.moment_2.chunks_mut(length))
        .zip(slices.score.chunks_mut(length))
        .zip(slices.weight.chunks(length))
        .zip(slices.grad.chunks(length));
    zipped.enumerate().map(
        move |(index, ((((moment_1, moment_2), score), weight), grad))| {
            let start = index * length;
            let pruned = slices
                .pruned
                .map(|pruned| &pruned[start..start + weight.len()]);
            Seven {
                moment_1,
                moment_2,
                score,
                weight,
                grad,
                pruned,
            }
        },
    )
}

#[inline(always)]
fn body<F: Flag, C: Count>(numbers: Numbers, part: Seven<'_, F>, mut bins: Option<&mut [C]>) {
    let mut places = [0u32; BLOCK];
    for block in split(part, BLOCK) {
        let (scores, pruned) = update_block(numbers, block);
        if let Some(bins) = bins.as_deref_mut() {
            count_block(scores, pruned, bins, &mut places);
        }
    }
}

/// Counts a block's scores: first where each falls, all at a time, then one by one.
#[inline(always)]
fn count_block<F: Flag, C: Count>(
    scores: &[f32],
    pruned: Option<&[F]>,
    bins: &mut [C],
    places: &mut [u32; BLOCK],
) {
    let shift = 32 - bins.len().ilog2();
    let last = bins.len() - 1;
    let places = &mut places[..scores.len()];
    match pruned {
        None => {
            for (place, &score) in places.iter_mut().zip(scores) {
                *place = key_of(score) >> shift;
            }
            for &place in &*places {
                bins[place as usize & last] += C::from(true);
            }
        }
        Some(pruned) => {
            // What is pruned adds 0, here and there: one place would have to wait for itself.
            for (index, place) in places.iter_mut().enumerate() {
                let bin = key_of(scores[index]) >> shift;
                let pruned = pruned[index].get();
                *place = if pruned { index as u32 & 63 } else { bin };
            }
            for (&place, pruned) in places.iter().zip(pruned) {
                bins[place as usize & last] += C::from(!pruned.get());
            }
        }
    }
}

#[inline(always)]
fn update_block<F: Flag>(numbers: Numbers, block: Seven<'_, F>) -> (&mut [f32], Option<&[F]>) {
    let Seven {
        moment_1,
        moment_2,
        score,
        weight,
        grad,
        pruned,
    } = block;
    let count = score.len();
    let (moment_1, moment_2) = (&mut moment_1[..count], &mut moment_2[..count]);
    let (weight, grad) = (&weight[..count], &grad[..count]);
    match pruned {
        None => {
            for i in 0..count {
                let new = update(
                    numbers,
                    moment_1[i],
                    moment_2[i],
                    score[i],
                    weight[i],
                    grad[i],
                );
                (moment_1[i], moment_2[i], score[i]) = new;
            }
        }
        Some(pruned) => {
            let pruned = &pruned[..count];
            for i in 0..count {
                let new = update(
                    numbers,
                    moment_1[i],
                    moment_2[i],
                    score[i],
                    weight[i],
                    grad[i],
                );
                let stays = !pruned[i].get();
                moment_1[i] = if stays { new.0 } else { 0.0 };
                moment_2[i] = if stays { new.1 } else { 0.0 };
                score[i] = if stays { new.2 } else { 0.0 };
            }
        }
    }
    (score, pruned)
}

/// One entry, in the order of operations of the portable path.
#[inline(always)]
fn update(n: Numbers, m: f32, v: f32, s: f32, w: f32, g: f32) -> (f32, f32, f32) {
    let a = g.abs();
    let first = if n.signed { g } else { a };
    // Whatever overflows rests at the largest number: infinity would make NaN with the next 0.
    let m = at_most(m * n.alpha_1 + first * n.rest_1, f32::MAX);
    let m = if m > -f32::MAX { m } else { -f32::MAX };
    let v = at_most(v * n.alpha_2 + (a * a) * n.rest_2, f32::MAX);
    let m_hat = at_most((m * n.scale_1).abs(), f32::MAX);
    let steadiness = at_most(m_hat / ((v * n.scale_2).sqrt() + n.epsilon), f32::MAX);
    (m, v, s + (at_most(steadiness * a, f32::MAX) * w).abs())
}

/// The lesser one, in one instruction.
#[inline(always)]
fn at_most(value: f32, most: f32) -> f32 {
    if value < most { value } else { most }
}

dispatch!(body => fn update_piece<F: Flag, C: Count>(numbers: Numbers, part: Seven<'_, F>, bins: Option<&mut [C]>));
