//! Transposing tiles of values: rows become columns.

/// Columns of a tile.
pub const TILE: usize = 8;

/// Tiles that lie one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Strip {
    /// The first value of the first tile.
    pub from: *const f32,
    /// How far rows of a tile are apart.
    pub from_stride: usize,
    /// How far tiles are apart.
    pub from_step: usize,
    /// Where the first tile goes to.
    pub to: *mut f32,
    /// How far its columns are apart there.
    pub to_stride: usize,
    /// How far tiles are apart there.
    pub to_step: usize,
    /// How many there are.
    pub tiles: usize,
}

/// Transposes tiles with some instructions.
pub trait Transpose {
    /// Rows of a tile.
    const ROWS: usize;
    /// What transposes tiles of fewer rows, if there is anything.
    type Smaller: Transpose;

    /// Reads 8 values of each of [`ROWS`](Self::ROWS) rows of each tile, and writes them transposed, to
    /// 8 places.
    ///
    /// # Safety
    ///
    /// All these values and places should be there, and the processor should have the instructions.
    #[allow(unsafe_code)]
    unsafe fn transpose(strip: Strip);
}

/// Value by value.
pub struct Plain;

impl Transpose for Plain {
    const ROWS: usize = TILE;
    type Smaller = Self;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn transpose(strip: Strip) {
        for tile in 0..strip.tiles {
            for row in 0..Self::ROWS {
                for column in 0..TILE {
                    let from = tile * strip.from_step + row * strip.from_stride + column;
                    let to = tile * strip.to_step + column * strip.to_stride + row;
                    // SAFETY: both are places of the tile, which the caller says are there.
                    unsafe { *strip.to.add(to) = *strip.from.add(from) };
                }
            }
        }
    }
}

/// In eight registers of AVX2.
#[cfg(target_arch = "x86_64")]
pub struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Transpose for Avx2 {
    const ROWS: usize = TILE;
    type Smaller = Self;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn transpose(strip: Strip) {
        // SAFETY: as the caller says.
        unsafe { avx2(strip) }
    }
}

/// In registers of AVX-512: 16 rows, so that whole cache lines are written.
#[cfg(target_arch = "x86_64")]
pub struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Transpose for Avx512 {
    const ROWS: usize = 2 * TILE;
    type Smaller = Avx2;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn transpose(strip: Strip) {
        // SAFETY: as the caller says.
        unsafe { avx512(strip) }
    }
}

// Not inlined: there the compiler keeps an address for each row, more than there are registers.

/// # Safety
///
/// As [`Transpose::transpose`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline(never)]
#[allow(unsafe_code)]
unsafe fn avx512(strip: Strip) {
    use std::arch::x86_64::*;
    let (mut from, mut to) = (strip.from, strip.to);
    for _ in 0..strip.tiles {
        // Four values of rows r, r + 4, r + 8 and r + 12 in the quarters of a register.
        let all = |row: usize, column: usize| {
            let quarter = |row: usize| {
                // SAFETY: a part of the tile's row, which the caller says is there.
                unsafe { _mm_loadu_ps(from.add(row * strip.from_stride + column)) }
            };
            let register = _mm512_castps128_ps512(quarter(row));
            let register = _mm512_insertf32x4::<1>(register, quarter(row + 4));
            let register = _mm512_insertf32x4::<2>(register, quarter(row + 8));
            _mm512_insertf32x4::<3>(register, quarter(row + 12))
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
            let transposed = [
                _mm512_shuffle_ps::<0x44>(ab_low, cd_low),
                _mm512_shuffle_ps::<0xee>(ab_low, cd_low),
                _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
            ];
            for (index, values) in transposed.into_iter().enumerate() {
                // SAFETY: a column of the tile is a row of what is written.
                unsafe { _mm512_storeu_ps(to.add((column + index) * strip.to_stride), values) };
            }
        }
        from = from.wrapping_add(strip.from_step);
        to = to.wrapping_add(strip.to_step);
    }
}

/// # Safety
///
/// As [`Transpose::transpose`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline(never)]
#[allow(unsafe_code)]
unsafe fn avx2(strip: Strip) {
    use std::arch::x86_64::*;
    let (mut from, mut to) = (strip.from, strip.to);
    for _ in 0..strip.tiles {
        // Values 0 to 3 of rows r and r + 4 in the two halves of a register, then 4 to 7.
        let half = |row: usize, column: usize| {
            // SAFETY: a part of the tile's row, which the caller says is there.
            unsafe { _mm_loadu_ps(from.add(row * strip.from_stride + column)) }
        };
        let both = |row, column| _mm256_set_m128(half(row + 4, column), half(row, column));
        for column in [0, 4] {
            let [a, b, c, d] = [0, 1, 2, 3].map(|row| both(row, column));
            // Pairs of rows, then fours.
            let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            let transposed = [
                _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
                _mm256_shuffle_ps::<0xee>(ab_low, cd_low),
                _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
            ];
            for (index, values) in transposed.into_iter().enumerate() {
                // SAFETY: a column of the tile is a row of what is written.
                unsafe { _mm256_storeu_ps(to.add((column + index) * strip.to_stride), values) };
            }
        }
        from = from.wrapping_add(strip.from_step);
        to = to.wrapping_add(strip.to_step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Two tiles side by side, in rows of 21 values; transposed they lie one behind the other.
    #[allow(unsafe_code)]
    fn check<T: Transpose>() {
        let from: Vec<f32> = (0..T::ROWS * 21).map(|index| index as f32).collect();
        let width = T::ROWS + 1;
        let mut to = vec![-1.0; 16 * width];
        let strip = Strip {
            from: from.as_ptr(),
            from_stride: 21,
            from_step: TILE,
            to: to.as_mut_ptr(),
            to_stride: width,
            to_step: TILE * width,
            tiles: 2,
        };
        // SAFETY: rows of 21 hold 16 values, and 16 rows as many as there are rows.
        unsafe { T::transpose(strip) };
        for (index, value) in to.into_iter().enumerate() {
            let (row, column) = (index / width, index % width);
            let expected = if column < T::ROWS {
                (column * 21 + row) as f32
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
