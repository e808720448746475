//! The inner loops: one block of outputs, one chunk of inputs, one panel of activations.
//!
//! Outputs of a panel lie as its inputs do: for each the values of all rows. One more place behind
//! the last takes what fillers add, and has a bias too. With a bias outputs begin with it, whatever
//! they hold; the first chunk has one.

use super::pieces::{Piece, QUAD, SCALE};

/// The kernel that the compiler vectorizes, for panels of `width` rows, a multiple of `N * LANES`,
/// so many at a time.
///
/// `FUSED` is for processors that multiply and add in one instruction; others would do it in a
/// call.
#[inline(always)]
pub fn portable<const N: usize, const LANES: usize, const FUSED: bool>(
    piece: Piece<'_>,
    width: usize,
    panel: &[f32],
    bias: Option<&[f32]>,
    outputs: &mut [f32],
) {
    let mut places = piece.places.chunks_exact(QUAD);
    let mut start = 0;
    for run in piece.runs {
        for _ in 0..run.quads {
            let quad = places.next().unwrap_or_default();
            let steps = start..start + run.count as usize;
            let (read, weights) = (&piece.inputs[steps.clone()], &piece.weights[steps.clone()]);
            // One output after the other: compilers vectorize a loop over lanes, but not with one
            // over outputs around it.
            for (index, &place) in quad.iter().enumerate() {
                let place = place as usize;
                let output = &mut outputs[place * width..][..width];
                for (part, output) in output.chunks_exact_mut(N * LANES).enumerate() {
                    let mut sums = [[0.0f32; LANES]; N];
                    for (sum, output) in sums.iter_mut().zip(output.chunks_exact(LANES)) {
                        match bias {
                            Some(bias) => sum.fill(bias[place]),
                            None => sum.copy_from_slice(output),
                        }
                    }
                    for (read, weights) in read.iter().zip(weights) {
                        let weight = weights[index];
                        let values = usize::from(read[index]) / SCALE * width + part * N * LANES;
                        let values = &panel[values..][..N * LANES];
                        for (sum, values) in sums.iter_mut().zip(values.chunks_exact(LANES)) {
                            for (sum, &value) in sum.iter_mut().zip(values) {
                                *sum = add::<FUSED>(weight, value, *sum);
                            }
                        }
                    }
                    for (sum, output) in sums.iter().zip(output.chunks_exact_mut(LANES)) {
                        output.copy_from_slice(sum);
                    }
                }
            }
            start = steps.end;
        }
    }
}

/// The kernel for one row: the outputs of a quad at a time.
#[inline(always)]
pub fn one_row<const FUSED: bool>(
    piece: Piece<'_>,
    row: &[f32],
    bias: Option<&[f32]>,
    outputs: &mut [f32],
) {
    let mut places = piece.places.chunks_exact(QUAD);
    let mut start = 0;
    for run in piece.runs {
        for _ in 0..run.quads {
            let quad = places.next().unwrap_or_default();
            let steps = start..start + run.count as usize;
            let (read, weights) = (&piece.inputs[steps.clone()], &piece.weights[steps.clone()]);
            let mut sums = [0.0; QUAD];
            for (sum, &place) in sums.iter_mut().zip(quad) {
                *sum = bias.map_or(outputs[place as usize], |bias| bias[place as usize]);
            }
            for (read, weights) in read.iter().zip(weights) {
                for ((sum, &input), &weight) in sums.iter_mut().zip(read).zip(weights) {
                    *sum = add::<FUSED>(weight, row[usize::from(input) / SCALE], *sum);
                }
            }
            for (&sum, &place) in sums.iter().zip(quad) {
                outputs[place as usize] = sum;
            }
            start = steps.end;
        }
    }
}

/// `weight * value + sum`, in one instruction or two.
#[inline(always)]
fn add<const FUSED: bool>(weight: f32, value: f32, sum: f32) -> f32 {
    match FUSED {
        true => weight.mul_add(value, sum),
        false => weight * value + sum,
    }
}

/// The same with vectors of a set of instructions: `N` of them wide, `R` outputs at a time.
///
/// A step's four weights take one load too; `spread` is that of one of them to all lanes.
#[cfg(target_arch = "x86_64")]
macro_rules! kernel {
    (
        $name:ident, $feature:literal, $lanes:literal,
        $zero:ident, $broadcast:ident, $load:ident, $store:ident, $multiply_add:ident,
        $widen:ident, $index:ident, spread($which:ident, $four:ident) = $spread:expr
    ) => {
        /// # Safety
        ///
        /// `panel` should hold `N * lanes` values for each input and once more, `outputs` as many
        /// for each output of the block and once more, `bias` one for each of these; `piece` should
        /// be as [`Packed`](super::Packed) made it for these inputs.
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        #[allow(clippy::pointers_in_nomem_asm_block)] // nothing is done with the pointer there
        pub unsafe fn $name<const N: usize, const R: usize>(
            piece: Piece<'_>,
            panel: *const f32,
            bias: Option<*const f32>,
            outputs: *mut f32,
        ) {
            use std::arch::asm;
            use std::arch::x86_64::*;
            const LANES: usize = $lanes;
            let width = N * LANES;
            // Were these known to the compiler, it would load each weight by itself.
            let which = std::hint::black_box([$index(0), $index(1), $index(2), $index(3)]);
            let mut quad = piece.places.as_ptr();
            let mut read = piece.inputs.as_ptr();
            let mut weights = piece.weights.as_ptr();
            for run in piece.runs {
                let count = run.count as usize;
                for _ in 0..run.quads {
                    for from in (0..QUAD).step_by(R) {
                        let mut sums = [[$zero(); N]; R];
                        // SAFETY: a quad has four places, each of a row of `outputs` and of a
                        // bias; the inputs of its `count` steps are rows of `panel`. The lists are
                        // walked to their end and no further, as the runs count them.
                        unsafe {
                            for (r, sums) in sums.iter_mut().enumerate() {
                                let place = *quad.add(from + r) as usize;
                                if let Some(bias) = bias {
                                    *sums = [$broadcast(*bias.add(place)); N];
                                    continue;
                                }
                                let row = outputs.add(place * width);
                                for (n, sum) in sums.iter_mut().enumerate() {
                                    *sum = $load(row.add(n * LANES));
                                }
                            }
                            if R > 1 && run.alike {
                                // An input is loaded once for these outputs, and a weight to all
                                // lanes: fewer loads, and none of them has to be spread.
                                for step in 0..count {
                                    let [input, ..] = *read.add(step);
                                    let place = usize::from(input) * (width * 4 / SCALE);
                                    let row = panel.byte_add(place);
                                    let mut values = [$zero(); N];
                                    for (n, values) in values.iter_mut().enumerate() {
                                        *values = $load(row.add(n * LANES));
                                    }
                                    let weights = weights.add(step).cast::<f32>().add(from);
                                    for (r, sums) in sums.iter_mut().enumerate() {
                                        let weight = $broadcast(*weights.add(r));
                                        for (sum, values) in sums.iter_mut().zip(values) {
                                            *sum = $multiply_add(weight, values, *sum);
                                        }
                                    }
                                }
                            } else {
                                for step in 0..count {
                                    let read = read.add(step).cast::<u64>().read_unaligned();
                                    let $four = $widen(_mm_loadu_ps(weights.add(step).cast()));
                                    for (r, sums) in sums.iter_mut().enumerate() {
                                        let input = (read >> (16 * (from + r))) as u16;
                                        let $which = which[from + r];
                                        let weight = $spread;
                                        let place = usize::from(input) * (width * 4 / SCALE);
                                        let mut row = panel.byte_add(place);
                                        // No instruction, but the address has a register of its
                                        // own from here on. Folded into each multiply-add as a sum
                                        // of two registers it would cost one more operation each.
                                        asm!("/* {0} */", inout(reg) row, options(pure, nomem, nostack, preserves_flags));
                                        for (n, sum) in sums.iter_mut().enumerate() {
                                            let values = $load(row.add(n * LANES));
                                            *sum = $multiply_add(weight, values, *sum);
                                        }
                                    }
                                }
                            }
                            for (r, sums) in sums.iter().enumerate() {
                                let row = outputs.add(*quad.add(from + r) as usize * width);
                                for (n, sum) in sums.iter().enumerate() {
                                    $store(row.add(n * LANES), *sum);
                                }
                            }
                        }
                    }
                    quad = quad.wrapping_add(QUAD);
                    read = read.wrapping_add(count);
                    weights = weights.wrapping_add(count);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernel!(
    avx2,
    "avx2,fma",
    8,
    _mm256_setzero_ps,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_fmadd_ps,
    _mm256_castps128_ps256,
    _mm256_set1_epi32,
    spread(which, four) = _mm256_permutevar8x32_ps(four, which)
);

#[cfg(target_arch = "x86_64")]
kernel!(
    avx512,
    "avx512f",
    16,
    _mm512_setzero_ps,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_castps128_ps512,
    _mm512_set1_epi32,
    spread(which, four) = _mm512_permutexvar_ps(which, four)
);
