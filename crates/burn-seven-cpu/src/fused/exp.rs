//! The exponential function of vectors.

use super::simd::Simd;

/// Adding this rounds to an integer, as float32 has no fractions there; the lowest nine bits are the
/// integer plus 127, so an exponent's bits.
const ROUND: f32 = 12_582_912.0 + 127.0;

/// `(2^f - 1) / f` for `f` in [-1/2, 1/2]: `1 + f` times this is `2^f` to 1.1e-7 of its value.
const POWER: [f32; 5] = [
    std::f32::consts::LN_2,
    0.240_222_81,
    0.055_505_59,
    0.009_669_792,
    0.001_330_052_9,
];

/// Below this `e^x` is less than every normal number; it is taken for 0.
pub const LEAST: f32 = -88.029_69;

/// `c[0] + c[1] x + c[2] x^2 + ...`
#[inline(always)]
pub fn polynomial<S: Simd, const N: usize>(s: S, x: S::V, coefficients: [f32; N]) -> S::V {
    let mut sum = s.splat(coefficients[N - 1]);
    for index in (0..N - 1).rev() {
        sum = s.mul_add(sum, x, s.splat(coefficients[index]));
    }
    sum
}

/// `2^y` for `y` in [-127, 127], to 2e-7 of its value; 0 for -127.
#[inline(always)]
pub fn exp2<S: Simd>(s: S, y: S::V) -> S::V {
    let rounded = s.add(y, s.splat(ROUND));
    let fraction = s.sub(y, s.sub(rounded, s.splat(ROUND)));
    let power = s.mul_add(polynomial(s, fraction, POWER), fraction, s.splat(1.0));
    s.mul(power, s.to_exponent(rounded))
}

/// `e^x` for `x` of at most 0, to 3e-7 + 8e-8 |x| of its value; NaN for NaN. The second term is what
/// rounding `x` itself to float32 does.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let (power, fraction, scale) = parts(s, x);
    s.mul(s.mul_add(power, fraction, s.splat(1.0)), scale)
}

/// `e^x - 1` for `x` of at most 0, to 4e-7 of its value; NaN for NaN.
#[inline(always)]
pub fn exp_less_one<S: Simd>(s: S, x: S::V) -> S::V {
    let (power, fraction, scale) = parts(s, x);
    let one = s.splat(1.0);
    s.mul_add(s.mul(power, fraction), scale, s.sub(scale, one))
}

/// `(p, f, 2^n)` with `e^x = (1 + p f) 2^n`.
#[inline(always)]
fn parts<S: Simd>(s: S, x: S::V) -> (S::V, S::V, S::V) {
    // The second is taken where `x` is NaN.
    let x = s.max(s.splat(LEAST), x);
    let log = s.splat(std::f32::consts::LOG2_E);
    let rounded = s.mul_add(x, log, s.splat(ROUND));
    let integer = s.sub(rounded, s.splat(ROUND));
    let fraction = s.mul_sub(x, log, integer);
    let power = polynomial(s, fraction, POWER);
    (power, fraction, s.to_exponent(rounded))
}

#[cfg(test)]
mod tests {
    use super::super::simd::by_level;
    use super::*;
    use crate::sparse::Level;
    use proptest::prelude::*;

    #[inline(always)]
    fn both<S: Simd>(s: S, x: f32, found: &mut [f32; 3]) {
        let mut vector = [0.0; 16];
        for (found, value) in found.iter_mut().zip([
            exp(s, s.splat(x)),
            exp_less_one(s, s.splat(x)),
            exp2(s, s.splat(x.max(-127.0))),
        ]) {
            s.store(value, &mut vector);
            *found = vector[0];
        }
    }

    by_level!(both => fn both_at(x: f32, found: &mut [f32; 3]));

    fn at(level: Level, x: f32) -> [f32; 3] {
        let mut found = [0.0; 3];
        both_at(level, x, &mut found);
        found
    }

    #[test]
    fn ends() {
        for level in Level::available() {
            assert_eq!(at(level, 0.0), [1.0, 0.0, 1.0]);
            assert_eq!(at(level, f32::NEG_INFINITY), [0.0, -1.0, 0.0]);
            assert_eq!(at(level, f32::MIN), [0.0, -1.0, 0.0]);
            assert_eq!(at(level, -88.5)[..2], [0.0, -1.0]);
            assert_eq!(at(level, -127.0)[2], 0.0);
            let [exp, less, _] = at(level, f32::NAN);
            assert!(exp.is_nan() && less.is_nan());
        }
    }

    proptest! {
        #[test]
        fn values(x in prop_oneof![-1.0f32..0.0, -18.0f32..0.0, -87.3f32..0.0]) {
            for level in Level::available() {
                let found = at(level, x).map(f64::from);
                let x = f64::from(x);
                let bound = 3e-7 + 8e-8 * x.abs();
                prop_assert!((found[0] / x.exp() - 1.0).abs() < bound);
                prop_assert!(x == 0.0 || (found[1] / x.exp_m1() - 1.0).abs() < 1e-6);
                prop_assert!((found[2] / x.exp2() - 1.0).abs() < 3e-7);
            }
        }
    }
}
