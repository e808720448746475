//! The inner loops: one block of outputs, one panel of activations.
//!
//! Outputs of a panel lie as its inputs do: for each the values of all rows. One more place behind
//! the last takes what fillers add, and has a bias too. What outputs hold when a kernel starts does
//! not matter: all begin with their bias, in the first chunk.

use super::{Block, QUAD};

/// The kernel that the compiler vectorizes: `T` rows wide, `R` outputs at a time.
///
/// `FUSED` is for processors that multiply and add in one instruction; others would do it in a
/// call.
#[inline(always)]
pub fn portable<const T: usize, const R: usize, const FUSED: bool>(
    block: &Block,
    panel: &[f32],
    bias: &[f32],
    outputs: &mut [f32],
) {
    let mut places = block.places.chunks_exact(QUAD);
    let mut start = 0;
    for (index, run) in block.runs.iter().enumerate() {
        for _ in 0..run.quads {
            let quad = places.next().unwrap_or_default();
            let steps = start..start + run.count as usize;
            let (read, weights) = (&block.inputs[steps.clone()], &block.weights[steps.clone()]);
            for from in (0..QUAD).step_by(R) {
                let mut sums = [[0.0f32; T]; R];
                for (sum, &place) in sums.iter_mut().zip(&quad[from..]) {
                    match index < block.starts {
                        true => sum.fill(bias[place as usize]),
                        false => sum.copy_from_slice(&outputs[place as usize * T..][..T]),
                    }
                }
                for (read, weights) in read.iter().zip(weights) {
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let weight = weights[from + r];
                        let values = &panel[usize::from(read[from + r]) * T..][..T];
                        for (sum, &value) in sum.iter_mut().zip(values) {
                            *sum = match FUSED {
                                true => weight.mul_add(value, *sum),
                                false => weight * value + *sum,
                            };
                        }
                    }
                }
                for (sum, &place) in sums.iter().zip(&quad[from..]) {
                    outputs[place as usize * T..][..T].copy_from_slice(sum);
                }
            }
            start = steps.end;
        }
    }
}

/// The same with vectors of a set of instructions: `N` of them wide, `R` outputs at a time.
#[cfg(target_arch = "x86_64")]
macro_rules! kernel {
    (
        $name:ident, $feature:literal, $lanes:literal,
        $zero:ident, $broadcast:ident, $load:ident, $store:ident, $multiply_add:ident
    ) => {
        /// # Safety
        ///
        /// `panel` should hold `N * lanes` values for each input and once more, `outputs` as many
        /// for each output of the block and once more, `bias` one for each of these; `block` should
        /// be as [`Block::new`] made it for these inputs.
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        pub unsafe fn $name<const N: usize, const R: usize>(
            block: &Block,
            panel: *const f32,
            bias: *const f32,
            outputs: *mut f32,
        ) {
            use std::arch::x86_64::*;
            const LANES: usize = $lanes;
            let width = N * LANES;
            let mut quad = block.places.as_ptr();
            let mut read = block.inputs.as_ptr();
            let mut weights = block.weights.as_ptr();
            for (index, run) in block.runs.iter().enumerate() {
                let starts = index < block.starts;
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
                                if starts {
                                    *sums = [$broadcast(*bias.add(place)); N];
                                    continue;
                                }
                                let row = outputs.add(place * width);
                                for (n, sum) in sums.iter_mut().enumerate() {
                                    *sum = $load(row.add(n * LANES));
                                }
                            }
                            for step in 0..count {
                                let read = read.add(step).cast::<u64>().read_unaligned();
                                let weights = weights.add(step).cast::<f32>();
                                for (r, sums) in sums.iter_mut().enumerate() {
                                    let input = (read >> (16 * (from + r))) as u16;
                                    let weight = $broadcast(*weights.add(from + r));
                                    let row = panel.add(usize::from(input) * width);
                                    for (n, sum) in sums.iter_mut().enumerate() {
                                        let values = $load(row.add(n * LANES));
                                        *sum = $multiply_add(weight, values, *sum);
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
    _mm256_fmadd_ps
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
    _mm512_fmadd_ps
);
