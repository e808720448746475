//! Taking every so many values of a row.

use super::super::Level;

/// Writes every so many values of `from`, the `first` one first, as many as there are and have room.
///
/// # Safety
///
/// The processor should have the instructions.
#[inline]
#[allow(unsafe_code)]
pub unsafe fn take(level: Level, stride: usize, first: usize, from: &[f32], to: &mut [f32]) {
    match (level, stride) {
        (_, 1) => {
            let from = from.get(first..).unwrap_or_default();
            let count = from.len().min(to.len());
            to[..count].copy_from_slice(&from[..count]);
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as the caller says.
        (Level::Avx512, 2) => unsafe { every_second(first, from, to) },
        _ => {
            let from = from.iter().skip(first).step_by(stride);
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code)]
fn every_second(first: usize, from: &[f32], to: &mut [f32]) {
    use std::arch::x86_64::*;
    const LANES: usize = 16;
    let from = from.get(first..).unwrap_or_default();
    let count = from.len().div_ceil(2).min(to.len());
    let which = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let mask = |lanes: usize| (0xffff_u32 >> (LANES - lanes.min(LANES))) as __mmask16;
    for start in (0..count).step_by(LANES) {
        let (rest, left) = (count - start, from.len() - 2 * start);
        // SAFETY: vectors are read and written only where values are left.
        unsafe {
            let values = from.as_ptr().add(2 * start);
            let low = _mm512_maskz_loadu_ps(mask(left), values);
            let next = mask(left.saturating_sub(LANES));
            let high = _mm512_maskz_loadu_ps(next, values.wrapping_add(LANES));
            let taken = _mm512_permutex2var_ps(low, which, high);
            let to = to.as_mut_ptr().add(start);
            match rest < LANES {
                true => _mm512_mask_storeu_ps(to, mask(rest), taken),
                false => _mm512_storeu_ps(to, taken),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn what_is_taken() {
        for level in Level::available() {
            for count in 0..100 {
                let from: Vec<f32> = (0..count).map(|index| index as f32).collect();
                for stride in 1..4 {
                    for first in 0..stride {
                        let expected = from.iter().skip(first).step_by(stride);
                        let mut expected: Vec<f32> = expected.copied().collect();
                        let mut to = vec![-1.0; expected.len() + 1];
                        // SAFETY: the processor has the level.
                        unsafe { take(level, stride, first, &from, &mut to) };
                        expected.push(-1.0);
                        assert_eq!(to, expected);
                        let mut to = vec![-1.0; count.min(2)];
                        // SAFETY: as above.
                        unsafe { take(level, stride, first, &from, &mut to) };
                        let room = to.len().min(expected.len() - 1);
                        assert_eq!(to[..room], expected[..room]);
                    }
                }
            }
        }
    }
}
