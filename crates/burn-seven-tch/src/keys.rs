//! Keys of scores on the device.
//!
//! libtorch has no unsigned 32-bit arithmetic, so a key is held as an `i32` that is smaller by 2^31:
//! it has the same order.

use burn_seven_kernels::Digit;
use tch::{Kind, TchError, Tensor};

/// The scores' keys, each less 2^31.
pub fn keys(scores: &Tensor) -> Result<Tensor, TchError> {
    let bits = scores.f_view_dtype(Kind::Int)?;
    // All bits but the sign are turned over where the sign is set.
    let mut keys = bits.f_bitwise_right_shift_tensor_scalar(31)?;
    let _ = keys.f_bitwise_and_(i64::from(i32::MAX))?;
    let _ = keys.f_bitwise_xor_tensor_(&bits)?;
    // Only -0 has become -1; it has the key of 0, so 1 is added there.
    let minus_zero = keys.f_eq(-1)?;
    let _ = keys.f_add_(&minus_zero)?;
    Ok(keys)
}

/// A key less 2^31.
pub fn key(key: u32) -> i64 {
    i64::from(key) - (1 << 31)
}

/// Each key's bin.
pub fn bins(keys: &Tensor, digit: Digit) -> Result<Tensor, TchError> {
    let mut bins = keys.f_bitwise_right_shift_tensor_scalar(i64::from(digit.shift))?;
    let _ = bins.f_bitwise_and_(digit.bins() as i64 - 1)?;
    if digit.shift + digit.bits == 32 {
        // The missing 2^31 is the highest bit turned over.
        let _ = bins.f_bitwise_xor_(1i64 << (digit.bits - 1))?;
    }
    Ok(bins)
}

/// What the bits above the digit are, and what they should be; none for the highest digit.
pub fn above(keys: &Tensor, digit: Digit) -> Result<Option<(Tensor, i64)>, TchError> {
    let Some(prefix) = digit.prefix else {
        return Ok(None);
    };
    let shift = digit.shift + digit.bits;
    let high = keys.f_bitwise_right_shift_tensor_scalar(i64::from(shift))?;
    Ok(Some((high, i64::from(prefix) - (1 << (31 - shift)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_seven_kernels::key_of;

    const SCORES: [f32; 13] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-42,
        -1e-42,
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -f32::NAN,
    ];

    #[test]
    fn keys_on_the_device_are_those_on_the_host() {
        let keys = keys(&Tensor::from_slice(&SCORES)).unwrap();
        let keys: Vec<i32> = keys.try_into().unwrap();
        for (score, found) in SCORES.into_iter().zip(keys) {
            assert_eq!(i64::from(found), key(key_of(score)), "{score}");
        }
    }

    #[test]
    fn digits_on_the_device_are_those_on_the_host() {
        for (shift, bits, prefix) in [
            (16, 16, None),
            (0, 16, Some(0x8000)),
            (0, 16, Some(0xbf80)),
            (20, 12, None),
            (10, 10, Some(0x800)),
            (0, 10, Some(0x2f_e000)),
            (0, 1, Some(0x4000_0000)),
        ] {
            let digit = Digit {
                shift,
                bits,
                prefix,
            };
            let keys = keys(&Tensor::from_slice(&SCORES)).unwrap();
            let found: Vec<i32> = bins(&keys, digit).unwrap().try_into().unwrap();
            for (score, bin) in SCORES.into_iter().zip(found) {
                let expected = (key_of(score) >> shift) as usize % digit.bins();
                assert_eq!(bin as usize, expected, "{score} by {digit:?}");
            }
            let Some((high, expected)) = above(&keys, digit).unwrap() else {
                continue;
            };
            let found: Vec<i32> = high.try_into().unwrap();
            for (score, high) in SCORES.into_iter().zip(found) {
                let order = i64::from(high).cmp(&expected);
                let high = key_of(score) >> (shift + bits);
                assert_eq!(order, high.cmp(&prefix.unwrap()), "{score} by {digit:?}");
            }
        }
    }
}
