//! The kernel for one row with AVX2's instructions.

use std::arch::x86_64::*;

use super::pieces::{Piece, QUAD, SCALE};

/// How far inputs are to be shifted for their places in bytes.
const SHIFT: u32 = (SCALE / size_of::<f32>()).trailing_zeros();

/// Adds to each output what the piece gives, or begins with its bias.
///
/// One quad after the other, though its sums wait for each other: two at a time read two places of
/// each list, which takes twice as long where the lists come from memory.
///
/// # Safety
///
/// `row` should hold a value for each input and one more, `outputs` and `bias` one for each output
/// of the block and one more; `piece` should be as [`Packed`](super::Packed) made it for these
/// inputs.
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code)]
pub unsafe fn avx2(piece: Piece<'_>, row: *const f32, bias: Option<*const f32>, outputs: *mut f32) {
    let from = bias.unwrap_or(outputs);
    let mut places = piece.places.as_ptr();
    let mut inputs = piece.inputs.as_ptr();
    let mut weights = piece.weights.as_ptr();
    for run in piece.runs {
        let count = run.count as usize;
        for _ in 0..run.quads {
            // SAFETY: a quad has four places, each of an output and of a bias, and the inputs of its
            // `count` steps are places of `row`. The lists are walked to their end and no further,
            // as the runs count them.
            unsafe {
                let place = |output: usize| *places.add(output) as usize;
                let quad = [place(0), place(1), place(2), place(3)];
                let mut sums = four(from, quad.map(|place| place * size_of::<f32>()));
                for step in 0..count {
                    let read = inputs.add(step).cast::<u64>().read_unaligned();
                    let bytes = |which: u32| {
                        let input = read >> (u16::BITS * which + SHIFT);
                        input as usize & (usize::from(u16::MAX) >> SHIFT)
                    };
                    let values = four(row, [bytes(0), bytes(1), bytes(2), bytes(3)]);
                    let weights = _mm_loadu_ps(weights.add(step).cast());
                    sums = _mm_fmadd_ps(weights, values, sums);
                }
                let mut values = [0.0; QUAD];
                _mm_storeu_ps(values.as_mut_ptr(), sums);
                for (place, value) in quad.into_iter().zip(values) {
                    *outputs.add(place) = value;
                }
            }
            places = places.wrapping_add(QUAD);
            inputs = inputs.wrapping_add(count);
            weights = weights.wrapping_add(count);
        }
    }
}

/// Four values that are so many bytes on.
///
/// # Safety
///
/// They should be there, and the processor have the instructions.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn four(from: *const f32, bytes: [usize; QUAD]) -> __m128 {
    // SAFETY: as the caller says.
    unsafe {
        let [a, b, c, d] = bytes.map(|bytes| from.byte_add(bytes));
        let values = _mm_load_ss(a);
        let values = _mm_insert_ps::<0x10>(values, _mm_load_ss(b));
        let values = _mm_insert_ps::<0x20>(values, _mm_load_ss(c));
        _mm_insert_ps::<0x30>(values, _mm_load_ss(d))
    }
}
