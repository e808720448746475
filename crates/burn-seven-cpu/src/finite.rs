//! Finding NaN and infinite values.

use rayon::prelude::*;

use crate::{pieces, simd::dispatch};

/// The exponent of NaN and infinite values.
const EXPONENT: u32 = 0x7f80_0000;

/// Entries looked at before asking whether one was not finite.
const BLOCK: usize = 4096;

/// Whether every value is finite.
pub fn all_finite(values: &[f32]) -> bool {
    if values.len() <= pieces::length(values.len()) {
        return piece_finite(values);
    }
    values
        .par_chunks(pieces::length(values.len()))
        .all(piece_finite)
}

#[inline(always)]
fn body(values: &[f32]) -> bool {
    values.chunks(BLOCK).all(|block| {
        let found = block.iter().fold(false, |found, value| {
            found | (value.to_bits() & EXPONENT == EXPONENT)
        });
        !found
    })
}

dispatch!(body => fn piece_finite(values: &[f32]) -> bool);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_value_is_found_wherever_it_is() {
        for count in [1, 63, 4097, 200_001] {
            let good = vec![f32::MAX; count];
            assert!(all_finite(&good));
            for index in [0, count / 2, count - 1] {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut values = good.clone();
                    values[index] = bad;
                    assert!(!all_finite(&values), "{bad} at {index} of {count}");
                }
            }
        }
        assert!(all_finite(&[]));
        assert!(all_finite(&[f32::MIN_POSITIVE / 2.0, -0.0]));
    }
}
