//! The kernel for one row with AVX2's instructions.

use std::arch::x86_64::*;

use super::pieces::{Piece, QUAD, SCALE};

/// Quads of outputs that are taken at once, where that many have equally many entries: each sum
/// waits for its last product. With more there are too few registers for the places. Measured.
const AT_ONCE: usize = 2;

/// How far inputs are to be shifted for their places in bytes.
const SHIFT: u32 = (SCALE / size_of::<f32>()).trailing_zeros();

/// Adds to each output what the piece gives, or begins with its bias.
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
    let (mut places, mut inputs) = (piece.places.as_ptr(), piece.inputs.as_ptr());
    let mut weights = piece.weights.as_ptr();
    for run in piece.runs {
        let count = run.count as usize;
        let mut quads = run.quads as usize;
        while quads > 0 {
            // SAFETY: a quad has four places and `count` steps, and the lists are walked to their
            // end and no further, as the runs count them; the rest is as the caller says.
            let taken = unsafe {
                if quads >= AT_ONCE {
                    some::<AT_ONCE>(count, places, inputs, weights, row, from, outputs)
                } else {
                    some::<1>(count, places, inputs, weights, row, from, outputs)
                }
            };
            quads -= taken;
            places = places.wrapping_add(taken * QUAD);
            inputs = inputs.wrapping_add(taken * count);
            weights = weights.wrapping_add(taken * count);
        }
    }
}

/// The same for `N` quads, which have `count` entries each; says how many these were.
///
/// # Safety
///
/// The lists should go on for so many quads; the rest is as for [`avx2`].
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn some<const N: usize>(
    count: usize,
    places: *const u32,
    inputs: *const [u16; QUAD],
    weights: *const [f32; QUAD],
    row: *const f32,
    from: *const f32,
    outputs: *mut f32,
) -> usize {
    // SAFETY: as the caller says.
    unsafe {
        let place = |index: usize| *places.add(index) as usize;
        let mut sums: [__m128; N] = std::array::from_fn(|quad| {
            let bytes = |output: usize| place(quad * QUAD + output) * size_of::<f32>();
            four(from, [bytes(0), bytes(1), bytes(2), bytes(3)])
        });
        for step in 0..count {
            for (quad, sum) in sums.iter_mut().enumerate() {
                let at = quad * count + step;
                let read = inputs.add(at).cast::<u64>().read_unaligned();
                let bytes = |which: u32| {
                    let input = read >> (u16::BITS * which + SHIFT);
                    input as usize & (usize::from(u16::MAX) >> SHIFT)
                };
                let values = four(row, [bytes(0), bytes(1), bytes(2), bytes(3)]);
                let weights = _mm_loadu_ps(weights.add(at).cast());
                *sum = _mm_fmadd_ps(weights, values, *sum);
            }
        }
        for (quad, sum) in sums.into_iter().enumerate() {
            let mut values = [0.0; QUAD];
            _mm_storeu_ps(values.as_mut_ptr(), sum);
            for (output, value) in values.into_iter().enumerate() {
                *outputs.add(place(quad * QUAD + output)) = value;
            }
        }
    }
    N
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
