//! Activation functions on a block's outputs.

use burn_seven_kernels::Activation;

/// Applies the function in place; written without branches and closures, so that it is compiled for
/// the vector unit of the function that it ends up in.
#[inline(always)]
pub fn apply(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::None => {}
        Activation::Relu => {
            for value in values {
                *value = relu(*value);
            }
        }
        Activation::Gelu => {
            for value in values {
                *value = gelu(*value);
            }
        }
    }
}

/// NaN stays NaN.
#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// `x Φ(x)` with the normal distribution's cumulative function.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function to 2e-7 of its value at 1: Abramowitz and Stegun, Handbook of Mathematical
/// Functions, 7.1.26.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let magnitude = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * magnitude);
    let series = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t
        + 0.254_829_6)
        * t;
    (1.0 - series * exp_of_negative(-magnitude * magnitude)).copysign(x)
}

/// `e^x` for x of at most 0, to 2e-7 of its value; 0 below -87, and NaN for NaN.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    // e^x = 2^n 2^f with an integer n and f in [-1/2, 1/2]. Adding 1.5 * 2^23 rounds to an integer,
    // which the lowest bits then are.
    const ROUND: f32 = 12_582_912.0;
    let scaled = if x < -87.0 { -87.0 } else { x } * std::f32::consts::LOG2_E;
    let rounded = scaled + ROUND;
    let n = rounded - ROUND;
    let f = (scaled - n) * std::f32::consts::LN_2;
    // The series of e^f; f is at most 0.35.
    let power = 1.0
        + f * (1.0
            + f * (1.0 / 2.0
                + f * (1.0 / 6.0 + f * (1.0 / 24.0 + f * (1.0 / 120.0 + f * (1.0 / 720.0))))));
    // The exponent's bits of 2^n. NaN gives some number here, and the product is NaN again.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits());
    let exponent = exponent.wrapping_add(127) << 23;
    let value = power * f32::from_bits(exponent);
    if x < -87.0 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn applied(activation: Activation, x: f32) -> f32 {
        let mut values = [x];
        apply(activation, &mut values);
        values[0]
    }

    // Φ(1) is 0.841344746068543, Φ(-2) is 0.022750131948179.
    #[test]
    fn known_values() {
        approx::assert_abs_diff_eq!(applied(Activation::Gelu, 1.0), 0.841_344_7, epsilon = 1e-6);
        approx::assert_abs_diff_eq!(
            applied(Activation::Gelu, -2.0),
            -0.045_500_264,
            epsilon = 1e-6
        );
        assert_eq!(applied(Activation::Gelu, 0.0), 0.0);
        assert_eq!(applied(Activation::Gelu, 30.0), 30.0);
        assert_eq!(applied(Activation::Gelu, -30.0), 0.0);
        assert_eq!(applied(Activation::Relu, -1.0), 0.0);
        assert_eq!(applied(Activation::Relu, 1.5), 1.5);
        assert_eq!(applied(Activation::None, -1.0), -1.0);
    }

    #[test]
    fn nan_stays_and_infinity_is_the_limit() {
        for activation in [Activation::None, Activation::Relu, Activation::Gelu] {
            assert!(applied(activation, f32::NAN).is_nan());
            assert_eq!(applied(activation, f32::INFINITY), f32::INFINITY);
        }
    }

    /// Φ by a sum of trapezoids in float64, the tail below -12 left out.
    fn cumulative(x: f64) -> f64 {
        let steps = 4000;
        let width = (x + 12.0) / f64::from(steps);
        let density = |z: f64| (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
        let inner: f64 = (1..steps)
            .map(|step| density(-12.0 + f64::from(step) * width))
            .sum();
        width * (inner + (density(-12.0) + density(x)) / 2.0)
    }

    proptest! {
        #[test]
        fn gelu_is_the_integral(x in -11.0f32..11.0) {
            let expected = f64::from(x) * cumulative(f64::from(x));
            let error = (f64::from(applied(Activation::Gelu, x)) - expected).abs();
            prop_assert!(error < 1e-6, "{x}: {error}");
        }
    }
}
