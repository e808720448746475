//! Weights of 16 bits.

/// The largest finite value of 8 significant bits.
const LARGEST: f32 = f32::from_bits(0x7f7f_0000);

/// The nearest value of bfloat16, that is of 8 significant bits; of two the one that is even.
///
/// It is off by at most 2^-8 of itself, below 2^-126 by at most 2^-134. What is finite stays so, and
/// NaN stays NaN.
pub fn round(value: f32) -> f32 {
    if value.is_nan() {
        return f32::NAN.copysign(value);
    }
    let bits = value.to_bits();
    let even = (bits >> 16) & 1;
    // Infinity has no lower bits; finite values are at most one step away from it.
    let rounded = f32::from_bits((bits + 0x7fff + even) & 0xffff_0000);
    match value.is_finite() {
        true => rounded.clamp(-LARGEST, LARGEST),
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_to_the_even_neighbour_and_limits_stay() {
        assert_eq!(round(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(round(1.0 + 3.0 / 256.0), 1.0 + 4.0 / 256.0);
        assert_eq!(round(-0.0).to_bits(), (-0.0f32).to_bits());
        assert_eq!(round(f32::MAX), LARGEST);
        assert_eq!(round(f32::MIN), -LARGEST);
        assert_eq!(round(f32::INFINITY), f32::INFINITY);
        assert_eq!(round(f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert!(round(f32::NAN).is_nan());
        assert!(round(f32::from_bits(0x7f80_0001)).is_nan());
    }

    proptest! {
        #[test]
        fn the_error_is_bounded(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let rounded = round(value);
            let error = (f64::from(rounded) - f64::from(value)).abs();
            let size = f64::from(value.abs());
            prop_assert!(error <= (size / 256.0).max(2f64.powi(-134)));
            prop_assert_eq!(rounded.to_bits() & 0xffff, 0);
        }
    }
}
