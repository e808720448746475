//! The inner loops: one block of outputs, one panel of activations.
//!
//! Outputs of a panel lie as its inputs do: for each the values of all rows. They hold the bias
//! when a kernel starts, and one more place behind the last takes what fillers add.

use super::{Block, QUAD};

/// The kernel that the compiler vectorizes: `T` rows wide, `R` outputs at a time.
///
/// `FUSED` is for processors that multiply and add in one instruction; others would do it in a
/// call.
#[inline(always)]
pub fn portable<const T: usize, const R: usize, const FUSED: bool>(
    block: &Block,
    panel: &[f32],
    outputs: &mut [f32],
) {
    let (mut places, mut entries) = (&block.places[..], &block.entries[..]);
    for run in &block.runs {
        for _ in 0..run.quads {
            let (quad, more) = places.split_at(QUAD);
            let (part, after) = entries.split_at(run.count as usize * QUAD);
            for from in (0..QUAD).step_by(R) {
                let mut sums = [[0.0f32; T]; R];
                for (sum, &place) in sums.iter_mut().zip(&quad[from..]) {
                    sum.copy_from_slice(&outputs[place as usize * T..][..T]);
                }
                for entries in part.chunks_exact(QUAD) {
                    for (sum, entry) in sums.iter_mut().zip(&entries[from..]) {
                        let values = &panel[entry.input as usize * T..][..T];
                        for (sum, &value) in sum.iter_mut().zip(values) {
                            *sum = match FUSED {
                                true => entry.value.mul_add(value, *sum),
                                false => entry.value * value + *sum,
                            };
                        }
                    }
                }
                for (sum, &place) in sums.iter().zip(&quad[from..]) {
                    outputs[place as usize * T..][..T].copy_from_slice(sum);
                }
            }
            (places, entries) = (more, after);
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
        /// for each output of the block and once more; `block` should be as [`Block::new`] made it
        /// for these inputs.
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        pub unsafe fn $name<const N: usize, const R: usize>(
            block: &Block,
            panel: *const f32,
            outputs: *mut f32,
        ) {
            use std::arch::x86_64::*;
            const LANES: usize = $lanes;
            let width = N * LANES;
            let mut quad = block.places.as_ptr();
            let mut entries = block.entries.as_ptr();
            for run in &block.runs {
                let count = run.count as usize;
                for _ in 0..run.quads {
                    for from in (0..QUAD).step_by(R) {
                        let mut sums = [[$zero(); N]; R];
                        // SAFETY: a quad has four places, each of a row of `outputs`; its
                        // `count` times four entries read rows of `panel`. Both lists are walked
                        // to their end and no further, as the runs count them.
                        unsafe {
                            for (r, sums) in sums.iter_mut().enumerate() {
                                let row = outputs.add(*quad.add(from + r) as usize * width);
                                for (n, sum) in sums.iter_mut().enumerate() {
                                    *sum = $load(row.add(n * LANES));
                                }
                            }
                            let mut next = entries.add(from);
                            for _ in 0..count {
                                for (r, sums) in sums.iter_mut().enumerate() {
                                    let entry = &*next.add(r);
                                    let weight = $broadcast(entry.value);
                                    let row = panel.add(entry.input as usize * width);
                                    for (n, sum) in sums.iter_mut().enumerate() {
                                        let values = $load(row.add(n * LANES));
                                        *sum = $multiply_add(weight, values, *sum);
                                    }
                                }
                                next = next.wrapping_add(QUAD);
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
                    entries = entries.wrapping_add(count * QUAD);
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
