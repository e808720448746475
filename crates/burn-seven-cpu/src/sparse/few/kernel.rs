//! The inner loop: one group of outputs, one row of activations or two.

use std::arch::asm;
use std::arch::x86_64::*;

use super::planes::Tile;
use super::slots::STEPS;
use super::step::{Full, Half, LANES, Step, Weights};

/// What is summed of a group's outputs.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Sums(pub [f32; LANES]);

/// Registers of four-byte values that the lanes take.
const REGISTERS: usize = LANES / 16;

/// Weights that this kernel loads.
pub trait Load: Weights {
    /// In the order of the lanes.
    ///
    /// # Safety
    ///
    /// The processor should have AVX-512F.
    #[allow(unsafe_code)]
    unsafe fn load(&self) -> [__m512; REGISTERS];
}

impl Load for Full {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn load(&self) -> [__m512; REGISTERS] {
        // SAFETY: there are 64 values, and the processor has the instructions.
        [0, 16, 32, 48].map(|lane| unsafe { _mm512_loadu_ps(self.as_ptr().add(lane)) })
    }
}

impl Load for Half {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn load(&self) -> [__m512; REGISTERS] {
        // SAFETY: there are 32 pairs, and the processor has the instructions.
        unsafe {
            let upper = _mm512_set1_epi32(0xffff_0000_u32 as i32);
            let (one, other) = (
                _mm512_loadu_si512(self.as_ptr().cast()),
                _mm512_loadu_si512(self.as_ptr().add(16).cast()),
            );
            [
                _mm512_castsi512_ps(_mm512_and_si512(one, upper)),
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(one)),
                _mm512_castsi512_ps(_mm512_and_si512(other, upper)),
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(other)),
            ]
        }
    }
}

/// Adds to the sums of each row what a group's windows give.
///
/// A register of 64 byte-wide places takes from the window's planes the bytes of 64 activations,
/// one register for each of their four bytes; interleaved twice these are the activations of 64
/// lanes in four registers. Bytes that are not marked as used become 0.
///
/// # Panics
///
/// When there are not as many steps as tiles, or a window is behind a row's last tile.
///
/// # Safety
///
/// The processor should have the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[allow(unsafe_code)]
#[allow(clippy::pointers_in_nomem_asm_block)] // nothing is done with the pointer there
pub unsafe fn group<W: Load, const R: usize>(
    tiles: &[u32],
    windows: &[[Step<W>; STEPS]],
    rows: [&[Tile]; R],
    sums: &mut [Sums; R],
) {
    assert_eq!(tiles.len(), windows.len(), "steps of the windows");
    // SAFETY: these are 64 values each.
    let mut all = sums.each_ref().map(|sums| unsafe { sums.0.load() });
    for (&tile, window) in tiles.iter().zip(windows) {
        for (row, all) in rows.iter().zip(&mut all) {
            let Some([near, far]) = row[tile as usize..].first_chunk() else {
                panic!("tiles of the row");
            };
            let mut steps: *const [Step<W>; STEPS] = window;
            if R > 1 {
                // No instruction, but each row loads the steps anew: kept for all rows they would
                // fill the registers.
                // SAFETY: nothing is done.
                unsafe {
                    asm!("/* {0} */", inout(reg) steps, options(pure, nomem, nostack, preserves_flags));
                }
            }
            // SAFETY: it still is the window.
            for step in unsafe { &*steps } {
                // SAFETY: there are 64 places, aligned as a step is.
                let places = unsafe { _mm512_load_si512(step.inputs.as_ptr().cast()) };
                let used = _mm512_movepi8_mask(places);
                let look = |byte: usize| {
                    // SAFETY: these are 64 bytes each, aligned as planes are.
                    let (near, far) = unsafe {
                        (
                            _mm512_load_si512(near[byte].0.as_ptr().cast()),
                            _mm512_load_si512(far[byte].0.as_ptr().cast()),
                        )
                    };
                    _mm512_maskz_permutex2var_epi8(used, near, places, far)
                };
                let (a, b, c, d) = (look(0), look(1), look(2), look(3));
                // Pairs of bytes, then fours.
                let (ab_low, ab_high) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
                let (cd_low, cd_high) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
                let values = [
                    _mm512_unpacklo_epi16(ab_low, cd_low),
                    _mm512_unpackhi_epi16(ab_low, cd_low),
                    _mm512_unpacklo_epi16(ab_high, cd_high),
                    _mm512_unpackhi_epi16(ab_high, cd_high),
                ];
                // SAFETY: the processor has the instructions.
                let weights = unsafe { step.weights.load() };
                for ((sum, weight), values) in all.iter_mut().zip(weights).zip(values) {
                    *sum = _mm512_fmadd_ps(weight, _mm512_castsi512_ps(values), *sum);
                }
            }
        }
    }
    for (sums, all) in sums.iter_mut().zip(all) {
        for (part, sum) in sums.0.chunks_exact_mut(16).zip(all) {
            // SAFETY: these are 16 values.
            unsafe { _mm512_storeu_ps(part.as_mut_ptr(), sum) };
        }
    }
}
