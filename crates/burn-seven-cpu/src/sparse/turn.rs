//! Turning a tile of 8 by 8 values: rows become columns.

/// Rows and columns of a tile.
pub const TILE: usize = 8;

/// Turns tiles with some instructions.
pub trait Turn {
    /// Reads 8 values at each of 8 places `from_stride` apart, and writes them turned, to as many
    /// places `to_stride` apart.
    ///
    /// # Safety
    ///
    /// All these values should be there, and the processor should have the instructions.
    #[allow(unsafe_code)]
    unsafe fn turn(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize);
}

/// Value by value.
pub struct Plain;

impl Turn for Plain {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn turn(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for row in 0..TILE {
            for column in 0..TILE {
                // SAFETY: both are places of the tile, which the caller says are there.
                unsafe {
                    *to.add(column * to_stride + row) = *from.add(row * from_stride + column)
                };
            }
        }
    }
}

/// In eight registers of AVX2.
#[cfg(target_arch = "x86_64")]
pub struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Turn for Avx2 {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn turn(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: as the caller says.
        unsafe { avx2(from, from_stride, to, to_stride) }
    }
}

/// # Safety
///
/// As [`Turn::turn`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
unsafe fn avx2(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::*;
    // Values 0 to 3 of rows r and r + 4 in the two halves of a register, then 4 to 7.
    let half = |row: usize, column: usize| {
        // SAFETY: a part of the tile's row, which the caller says is there.
        unsafe { _mm_loadu_ps(from.add(row * from_stride + column)) }
    };
    let both = |row, column| _mm256_set_m128(half(row + 4, column), half(row, column));
    for column in [0, 4] {
        let [a, b, c, d] = [0, 1, 2, 3].map(|row| both(row, column));
        // Pairs of rows, then fours.
        let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        let turned = [
            _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
            _mm256_shuffle_ps::<0xee>(ab_low, cd_low),
            _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
        ];
        for (index, values) in turned.into_iter().enumerate() {
            // SAFETY: a column of the tile is a row of what is written.
            unsafe { _mm256_storeu_ps(to.add((column + index) * to_stride), values) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(unsafe_code)]
    fn check<T: Turn>() {
        let from: Vec<f32> = (0..8 * 11).map(|index| index as f32).collect();
        let mut to = vec![-1.0; 8 * 9];
        // SAFETY: 8 rows of 11 and 9 values hold 8 each.
        unsafe { T::turn(from.as_ptr(), 11, to.as_mut_ptr(), 9) };
        for (index, value) in to.into_iter().enumerate() {
            let (row, column) = (index / 9, index % 9);
            let expected = if column < 8 {
                (column * 11 + row) as f32
            } else {
                -1.0
            };
            assert_eq!(value, expected);
        }
    }

    #[test]
    fn each_value_is_where_its_row_and_column_say() {
        check::<Plain>();
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            check::<Avx2>();
        }
    }
}
