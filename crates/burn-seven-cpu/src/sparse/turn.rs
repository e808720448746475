//! Turning a tile of values: rows become columns.

/// Columns of a tile.
pub const TILE: usize = 8;

/// Turns tiles with some instructions.
pub trait Turn {
    /// Rows of a tile.
    const ROWS: usize;
    /// What turns tiles of fewer rows, if there is anything.
    type Smaller: Turn;

    /// Reads 8 values at each of [`ROWS`](Self::ROWS) places `from_stride` apart, and writes them
    /// turned, to 8 places `to_stride` apart.
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
    const ROWS: usize = TILE;
    type Smaller = Self;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn turn(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for row in 0..Self::ROWS {
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
    const ROWS: usize = TILE;
    type Smaller = Self;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn turn(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: as the caller says.
        unsafe { avx2(from, from_stride, to, to_stride) }
    }
}

/// In registers of AVX-512: 16 rows, so that whole cache lines are written.
#[cfg(target_arch = "x86_64")]
pub struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Turn for Avx512 {
    const ROWS: usize = 2 * TILE;
    type Smaller = Avx2;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn turn(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: as the caller says.
        unsafe { avx512(from, from_stride, to, to_stride) }
    }
}

/// # Safety
///
/// As [`Turn::turn`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
unsafe fn avx512(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::*;
    // Four values of rows r, r + 4, r + 8 and r + 12 in the quarters of a register.
    let quarter = |row: usize, column: usize| {
        // SAFETY: a part of the tile's row, which the caller says is there.
        unsafe { _mm_loadu_ps(from.add(row * from_stride + column)) }
    };
    let all = |row, column| {
        let register = _mm512_castps128_ps512(quarter(row, column));
        let register = _mm512_insertf32x4::<1>(register, quarter(row + 4, column));
        let register = _mm512_insertf32x4::<2>(register, quarter(row + 8, column));
        _mm512_insertf32x4::<3>(register, quarter(row + 12, column))
    };
    for column in [0, 4] {
        let [a, b, c, d] = [
            all(0, column),
            all(1, column),
            all(2, column),
            all(3, column),
        ];
        // Pairs of rows, then fours.
        let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        let turned = [
            _mm512_shuffle_ps::<0x44>(ab_low, cd_low),
            _mm512_shuffle_ps::<0xee>(ab_low, cd_low),
            _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
        ];
        for (index, values) in turned.into_iter().enumerate() {
            // SAFETY: a column of the tile is a row of what is written.
            unsafe { _mm512_storeu_ps(to.add((column + index) * to_stride), values) };
        }
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
        let from: Vec<f32> = (0..T::ROWS * 11).map(|index| index as f32).collect();
        let width = T::ROWS + 1;
        let mut to = vec![-1.0; 8 * width];
        // SAFETY: rows of 11 hold 8 values, and 8 rows as many as there are rows.
        unsafe { T::turn(from.as_ptr(), 11, to.as_mut_ptr(), width) };
        for (index, value) in to.into_iter().enumerate() {
            let (row, column) = (index / width, index % width);
            let expected = if column < T::ROWS {
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
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f") {
            check::<Avx512>();
        }
    }
}
