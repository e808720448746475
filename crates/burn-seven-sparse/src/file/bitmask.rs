//! A matrix as its non-zeros and one bit an entry, on plain bytes.

/// The three parts of a matrix, little-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// The non-zeros, row by row.
    pub compressed: Vec<u8>,
    /// `ceil(columns / 8)` bytes a row, the least significant bit first.
    pub bitmask: Vec<u8>,
    /// How many non-zeros come before each row.
    pub row_offsets: Vec<i64>,
}

/// Whether a little-endian float of any width is not 0; -0 is, NaN is not.
fn is_nonzero(float: &[u8]) -> bool {
    match float.split_last() {
        Some((high, low)) => high & 0x7f != 0 || low.iter().any(|&byte| byte != 0),
        None => false,
    }
}

/// How many floats of `size` bytes are not 0.
pub(crate) fn count(floats: &[u8], size: usize) -> usize {
    let floats = floats.chunks_exact(size);
    floats.filter(|float| is_nonzero(float)).count()
}

/// The rows and columns that a tensor of this shape is written as; none if they are too many.
pub(crate) fn flat(shape: &[usize]) -> Option<(usize, usize)> {
    let product = |sizes: &[usize]| sizes.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
    let (rows, columns) = match shape {
        [] | [_] => (1, product(shape)?),
        [first, rest @ ..] => (*first, product(rest)?),
    };
    rows.checked_mul(columns)?;
    Some((rows, columns))
}

/// How many bytes the sparse form of a weight takes, with its shape and offsets.
pub(crate) fn encoded_len(
    rank: usize,
    rows: usize,
    columns: usize,
    nonzeros: usize,
    size: usize,
) -> usize {
    rank * 8 + rows * 8 + rows * columns.div_ceil(8) + nonzeros * size
}

/// The sparse form of `rows` rows of `columns` floats of `size` bytes.
pub(crate) fn encode(dense: &[u8], rows: usize, columns: usize, size: usize) -> Encoded {
    let mut encoded = Encoded {
        compressed: Vec::with_capacity(count(dense, size) * size),
        bitmask: Vec::with_capacity(rows * columns.div_ceil(8)),
        row_offsets: Vec::with_capacity(rows),
    };
    for row in 0..rows {
        let start = encoded.compressed.len() / size;
        encoded.row_offsets.push(start as i64);
        let row = dense.get(row * columns * size..).unwrap_or_default();
        let row = row.get(..columns * size).unwrap_or_default();
        for eight in row.chunks(8 * size) {
            let mut byte = 0;
            for (bit, float) in eight.chunks_exact(size).enumerate() {
                if is_nonzero(float) {
                    byte |= 1 << bit;
                    encoded.compressed.extend_from_slice(float);
                }
            }
            encoded.bitmask.push(byte);
        }
    }
    encoded
}

/// The matrix that has these non-zeros where the bits are 1, and +0 elsewhere.
///
/// `bitmask` has `rows * ceil(columns / 8)` bytes and as many ones as there are values.
pub(crate) fn decode(
    compressed: &[u8],
    bitmask: &[u8],
    rows: usize,
    columns: usize,
    size: usize,
) -> Vec<u8> {
    let mut dense = vec![0; rows * columns * size];
    if dense.is_empty() {
        return dense;
    }
    let mut values = compressed.chunks_exact(size);
    let bits = bitmask.chunks_exact(columns.div_ceil(8));
    for (row, bits) in dense.chunks_exact_mut(columns * size).zip(bits) {
        for (eight, &byte) in row.chunks_mut(8 * size).zip(bits) {
            let mut byte = byte;
            while byte != 0 {
                let at = byte.trailing_zeros() as usize * size;
                byte &= byte - 1;
                if let (Some(cell), Some(value)) = (eight.get_mut(at..at + size), values.next()) {
                    cell.copy_from_slice(value);
                }
            }
        }
    }
    dense
}

/// The bits of `rows` rows of `columns` flags.
pub(crate) fn pack(flags: &[bool], columns: usize) -> Vec<u8> {
    if columns == 0 {
        return Vec::new();
    }
    let byte = |eight: &[bool]| {
        let bits = eight.iter().enumerate();
        bits.fold(0, |byte, (bit, &flag)| byte | u8::from(flag) << bit)
    };
    let rows = flags.chunks(columns);
    rows.flat_map(|row| row.chunks(8).map(byte)).collect()
}

/// The flags of `rows` rows of `columns` bits.
pub(crate) fn unpack(bitmask: &[u8], columns: usize) -> Vec<bool> {
    if columns == 0 {
        return Vec::new();
    }
    let rows = bitmask.chunks(columns.div_ceil(8));
    let row = |bits: &[u8]| {
        let flags = (0..columns).map(|at| bits.get(at / 8).is_some_and(|b| b >> (at % 8) & 1 == 1));
        flags.collect::<Vec<_>>()
    };
    rows.flat_map(row).collect()
}

/// The first row with a 1 behind its `columns` bits.
pub(crate) fn spare_bits(bitmask: &[u8], columns: usize) -> Option<usize> {
    if columns.is_multiple_of(8) {
        return None;
    }
    let mut rows = bitmask.chunks_exact(columns.div_ceil(8));
    rows.position(|row| row.last().is_some_and(|&last| last >> (columns % 8) != 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    #[test]
    fn bits_run_from_the_least_significant() {
        let mut row = [0f32; 10];
        (row[0], row[3], row[9]) = (1.0, -2.0, 0.5);
        let encoded = encode(&bytes(&[row, [0.0; 10]].concat()), 2, 10, 4);
        assert_eq!(encoded.bitmask, [0x09, 0x02, 0, 0]);
        assert_eq!(encoded.compressed, bytes(&[1.0, -2.0, 0.5]));
        assert_eq!(encoded.row_offsets, [0, 3]);
    }

    #[test]
    fn minus_zero_is_a_zero_and_nan_is_none() {
        let encoded = encode(&bytes(&[-0.0, f32::NAN, f32::MIN_POSITIVE / 2.0]), 1, 3, 4);
        assert_eq!(encoded.bitmask, [0b110]);
        // Half precision, as bits: -0, +0, a subnormal, NaN.
        assert_eq!(count(&[0, 0x80, 0, 0, 1, 0, 0, 0x7e], 2), 2);
    }

    #[test]
    fn matrices_without_entries() {
        for (rows, columns) in [(0, 5), (5, 0), (0, 0)] {
            let encoded = encode(&[], rows, columns, 4);
            assert_eq!(encoded.row_offsets, vec![0; rows]);
            assert!(decode(&[], &encoded.bitmask, rows, columns, 4).is_empty());
        }
    }

    #[test]
    fn spare_bits_are_found() {
        assert_eq!(spare_bits(&[0x0f, 0x0f], 4), None);
        assert_eq!(spare_bits(&[0x0f, 0x1f], 4), Some(1));
        assert_eq!(spare_bits(&[0xff], 8), None);
    }

    fn matrix() -> impl Strategy<Value = (usize, usize, usize, Vec<u8>)> {
        let sizes = (0usize..7, 0usize..40, prop_oneof![Just(2usize), Just(4)]);
        sizes.prop_flat_map(|(rows, columns, size)| {
            let zero = Just(vec![0u8; size]);
            let minus = Just([vec![0u8; size - 1], vec![0x80]].concat());
            let float =
                prop_oneof![2 => zero, 1 => minus, 2 => prop::collection::vec(any::<u8>(), size)];
            let floats = prop::collection::vec(float, rows * columns);
            (
                Just(rows),
                Just(columns),
                Just(size),
                floats.prop_map(|floats| floats.concat()),
            )
        })
    }

    proptest! {
        #[test]
        fn decoding_gives_the_matrix_with_minus_zero_turned_plus((rows, columns, size, dense) in matrix()) {
            let encoded = encode(&dense, rows, columns, size);
            let expected: Vec<u8> = dense
                .chunks_exact(size)
                .flat_map(|float| if is_nonzero(float) { float.to_vec() } else { vec![0; size] })
                .collect();
            let decoded = decode(&encoded.compressed, &encoded.bitmask, rows, columns, size);
            prop_assert_eq!(decoded, expected);
        }

        #[test]
        fn sizes_are_what_they_are_said_to_be((rows, columns, size, dense) in matrix()) {
            let encoded = encode(&dense, rows, columns, size);
            let nonzeros = count(&dense, size);
            prop_assert_eq!(encoded.compressed.len(), nonzeros * size);
            prop_assert_eq!(encoded.bitmask.len(), rows * columns.div_ceil(8));
            prop_assert_eq!(encoded.row_offsets.len(), rows);
            let parts = 16 + 8 * rows + encoded.bitmask.len() + encoded.compressed.len();
            prop_assert_eq!(encoded_len(2, rows, columns, nonzeros, size), parts);
            let ones: u32 = encoded.bitmask.iter().map(|byte| byte.count_ones()).sum();
            prop_assert_eq!(ones as usize, nonzeros);
            prop_assert_eq!(spare_bits(&encoded.bitmask, columns), None);
        }

        #[test]
        fn flags_survive_packing(flags in prop::collection::vec(any::<bool>(), 0..60), columns in 1usize..20) {
            let rows = flags.len() / columns;
            let flags = &flags[..rows * columns];
            prop_assert_eq!(unpack(&pack(flags, columns), columns), flags);
        }
    }
}
