//! Rows of activations, byte by byte.

use super::step::TILE;

/// Bytes of a float32 value.
pub const BYTES: usize = 4;

/// A register of bytes.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Plane(pub [u8; TILE]);

/// The bytes of a tile's values: the lowest ones first.
pub type Tile = [Plane; BYTES];

const ZERO: Tile = [Plane([0; TILE]); BYTES];

/// Adds the tiles of a row: its last one filled up with zeros, and one more of zeros.
///
/// # Safety
///
/// The processor should have the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[allow(unsafe_code)]
pub unsafe fn push(row: &[f32], to: &mut Vec<Tile>) {
    let (whole, rest) = row.as_chunks::<TILE>();
    to.extend(whole.iter().map(|values| cut(values)));
    if !rest.is_empty() {
        let mut values = [0.0; TILE];
        values[..rest.len()].copy_from_slice(rest);
        to.push(cut(&values));
    }
    to.push(ZERO);
}

/// A tile's values, cut in bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[allow(unsafe_code)]
fn cut(values: &[f32; TILE]) -> Tile {
    use std::arch::x86_64::*;
    // Of 32 values the lowest bytes, then the ones above; of all others the same two further on.
    const LOWER: [u8; TILE] = {
        let mut bytes = [0; TILE];
        let mut at = 0;
        while at < TILE {
            bytes[at] = (at % 32 * BYTES + at / 32) as u8;
            at += 1;
        }
        bytes
    };
    // SAFETY: these are 64 bytes.
    let lower = unsafe { _mm512_loadu_si512(LOWER.as_ptr().cast()) };
    let upper = _mm512_add_epi8(lower, _mm512_set1_epi8(2));
    let [a, b, c, d] = [0, 16, 32, 48].map(|first| {
        let values = &values[first..][..16];
        // SAFETY: these are 16 values.
        unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
    });
    let mut tile = ZERO;
    for (planes, which) in tile.chunks_exact_mut(2).zip([lower, upper]) {
        let one = _mm512_permutex2var_epi8(a, which, b);
        let other = _mm512_permutex2var_epi8(c, which, d);
        let bytes = [
            _mm512_shuffle_i64x2::<0x44>(one, other),
            _mm512_shuffle_i64x2::<0xee>(one, other),
        ];
        for (plane, bytes) in planes.iter_mut().zip(bytes) {
            // SAFETY: a plane has 64 bytes, aligned.
            unsafe { _mm512_store_si512(plane.0.as_mut_ptr().cast(), bytes) };
        }
    }
    tile
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn bytes_are_where_the_value_and_their_place_say() {
        if !super::super::available() {
            return;
        }
        for count in [0usize, 1, 63, 64, 65, 200] {
            let row: Vec<f32> = (0..count)
                .map(|index| f32::from_bits(0x0102_0304 + 0x0101_0101 * (index % 100) as u32))
                .collect();
            let mut found = Vec::new();
            // SAFETY: the processor has the instructions.
            unsafe { push(&row, &mut found) };
            assert_eq!(found.len(), count.div_ceil(TILE) + 1);
            for (index, tile) in found.iter().enumerate() {
                for place in 0..TILE {
                    let bytes = [0, 1, 2, 3].map(|byte| tile[byte].0[place]);
                    let value = row.get(index * TILE + place).copied();
                    assert_eq!(f32::from_le_bytes(bytes), value.unwrap_or(0.0));
                }
            }
        }
    }
}
