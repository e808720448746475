//! Integers that order like scores.

/// An integer that orders like the score, with -0 equal to 0. NaN has no place in the order.
#[inline(always)]
pub const fn key_of(score: f32) -> u32 {
    // Without a branch: signs come in no order that could be guessed.
    let bits = score.to_bits();
    let bits = bits & !(((bits == 0x8000_0000) as u32) << 31); // -0 is 0
    let negative = (bits as i32 >> 31) as u32; // all bits set, or none
    bits ^ (negative | 0x8000_0000)
}

#[cfg(test)]
mod tests {
    use super::key_of;
    use proptest::prelude::*;

    #[test]
    fn both_zeros_have_one_key_and_infinities_are_the_ends() {
        assert_eq!(key_of(-0.0), key_of(0.0));
        assert!(key_of(f32::INFINITY) > key_of(f32::MAX));
        assert!(key_of(f32::NEG_INFINITY) < key_of(f32::MIN));
        assert!(key_of(f32::from_bits(1)) > key_of(0.0));
        assert!(key_of(-f32::from_bits(1)) < key_of(-0.0));
    }

    proptest! {
        #[test]
        fn keys_order_as_scores_do(a in any::<f32>(), b in any::<f32>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(key_of(a).cmp(&key_of(b)), a.partial_cmp(&b).expect("no NaN"));
        }
    }
}
