//! The product that scores and outputs are made of.

use super::super::simd::Simd;

/// Rows of numbers, each a stride after the one before.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// The first number of the first row.
    pub from: *const f32,
    /// How far rows are apart.
    pub stride: usize,
}

impl Rows {
    /// Where a row is; it need not be there.
    #[inline(always)]
    pub fn row(self, row: usize) -> *const f32 {
        self.from.wrapping_add(row.wrapping_mul(self.stride))
    }
}

/// `R` rows of `count` numbers times `count` rows of `N` vectors: `R` rows of `N` vectors, in
/// registers. The sums run over the numbers in order, whatever `R` and `N`.
///
/// # Safety
///
/// All these numbers should be there.
#[inline(always)]
#[allow(unsafe_code)]
pub unsafe fn product<S: Simd, const R: usize, const N: usize>(
    s: S,
    numbers: Rows,
    vectors: Rows,
    count: usize,
) -> [[S::V; N]; R] {
    let mut sums = [[s.splat(0.0); N]; R];
    for step in 0..count {
        // SAFETY: both are among the numbers that the caller says are there.
        unsafe {
            let row = vectors.from.add(step * vectors.stride);
            let mut right = [s.splat(0.0); N];
            for (n, right) in right.iter_mut().enumerate() {
                *right = s.read(row.add(n * S::LANES));
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let left = s.splat(*numbers.from.add(r * numbers.stride + step));
                for (sum, &right) in sums.iter_mut().zip(&right) {
                    *sum = s.mul_add(left, right, *sum);
                }
            }
        }
    }
    sums
}
