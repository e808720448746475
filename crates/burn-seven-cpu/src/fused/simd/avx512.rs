//! AVX-512F.
#![allow(unsafe_code)] // the instructions are there, which `new` asks for

use std::arch::x86_64::*;

use super::Simd;

/// Vectors of sixteen numbers.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    /// # Safety
    ///
    /// The processor should have AVX-512F, and the function that this is called in be compiled for
    /// it.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Self(())
    }
}

/// The lowest `count` lanes.
#[inline(always)]
fn first(count: usize) -> __mmask16 {
    assert!(count <= 16);
    ((1u32 << count) - 1) as __mmask16
}

// SAFETY of all that follows: a value of this type is there, so the instructions are too.
impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const WIDE: usize = 4;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn read(self, from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn write(self, vector: __m512, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, vector) }
    }

    #[inline(always)]
    fn fetch(self, from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }

    #[inline(always)]
    fn load_part(self, values: &[f32], rest: f32) -> __m512 {
        let mask = first(values.len());
        unsafe { _mm512_mask_loadu_ps(_mm512_set1_ps(rest), mask, values.as_ptr()) }
    }

    #[inline(always)]
    fn store_part(self, vector: __m512, values: &mut [f32]) {
        let mask = first(values.len());
        unsafe { _mm512_mask_storeu_ps(values.as_mut_ptr(), mask, vector) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn mul_sub(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmsub_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        unsafe { _mm512_abs_ps(a) }
    }

    #[inline(always)]
    fn with_sign(self, magnitude: __m512, sign: __m512) -> __m512 {
        unsafe {
            let sign = _mm512_and_si512(_mm512_castps_si512(sign), _mm512_set1_epi32(i32::MIN));
            _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(magnitude), sign))
        }
    }

    #[inline(always)]
    fn where_negative(self, a: __m512, yes: __m512, no: __m512) -> __m512 {
        unsafe {
            let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, _mm512_setzero_ps());
            _mm512_mask_blend_ps(negative, no, yes)
        }
    }

    #[inline(always)]
    fn to_exponent(self, a: __m512) -> __m512 {
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(a))) }
    }

    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(a) }
    }

    #[inline(always)]
    fn greatest(self, a: __m512) -> f32 {
        unsafe { _mm512_reduce_max_ps(a) }
    }

    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, stride: usize) -> [__m512; 4] {
        unsafe {
            // Four numbers of rows r, r + 4, r + 8 and r + 12 in the quarters of a register.
            let mut rows = [_mm512_setzero_ps(); 4];
            for (row, register) in rows.iter_mut().enumerate() {
                let from = from.add(row * stride);
                *register = _mm512_castps128_ps512(_mm_loadu_ps(from));
                let quarter = _mm_loadu_ps(from.add(4 * stride));
                *register = _mm512_insertf32x4::<1>(*register, quarter);
                let quarter = _mm_loadu_ps(from.add(8 * stride));
                *register = _mm512_insertf32x4::<2>(*register, quarter);
                let quarter = _mm_loadu_ps(from.add(12 * stride));
                *register = _mm512_insertf32x4::<3>(*register, quarter);
            }
            // Pairs of rows, then fours.
            let [a, b, c, d] = rows;
            let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            [
                _mm512_shuffle_ps::<0x44>(ab_low, cd_low),
                _mm512_shuffle_ps::<0xee>(ab_low, cd_low),
                _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
            ]
        }
    }
}
