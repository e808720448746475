//! Activation functions.

use burn_seven_kernels::Activation;
use rayon::prelude::*;

use super::function::{self, Function};
use super::operand::{self, Operand};
use super::simd::{Simd, by_level};
use super::split;
use crate::sparse::Level;

/// What a value takes, about, in nanoseconds.
const COST: f64 = 0.3;

/// Applies the function to each value in place.
pub fn activate(activation: Activation, values: &mut [f32]) {
    let each = split::values(values.len(), COST);
    if activation == Activation::None {
    } else if each >= values.len() {
        activate_here(activation, values);
    } else {
        let parts = values.par_chunks_mut(each);
        parts.for_each(|part| activate_here(activation, part));
    }
}

/// Writes what the function gives for each value of the input.
///
/// # Panics
///
/// When the output has another length than the input.
pub fn activate_into(activation: Activation, input: &[f32], output: &mut [f32]) {
    assert_eq!(output.len(), input.len(), "values of the output");
    let each = split::values(input.len(), COST);
    if each >= input.len() {
        into_at(Level::best(), activation, input, output);
    } else {
        let parts = output.par_chunks_mut(each).zip(input.par_chunks(each));
        parts.for_each(|(output, input)| into_at(Level::best(), activation, input, output));
    }
}

/// [`activate`] on this thread alone.
pub(crate) fn activate_here(activation: Activation, values: &mut [f32]) {
    activate_at(Level::best(), activation, values);
}

by_level!(in_place => fn activate_at(activation: Activation, values: &mut [f32]));
by_level!(into => fn into_at(activation: Activation, input: &[f32], output: &mut [f32]));

#[inline(always)]
fn in_place<S: Simd>(s: S, activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::None => {}
        Activation::Relu => each(s, function::Relu, values),
        Activation::Gelu => each(s, function::Gelu, values),
        Activation::GeluTanh => each(s, function::GeluTanh, values),
        Activation::Silu => each(s, function::Silu, values),
        Activation::Sigmoid => each(s, function::Sigmoid, values),
        Activation::Tanh => each(s, function::Tanh, values),
        Activation::Clamp { min, max } => each(s, function::Clamp { min, max }, values),
        Activation::HardSigmoid { alpha, beta } => {
            each(s, function::HardSigmoid { alpha, beta }, values);
        }
        Activation::HardSwish => each(s, function::HardSwish, values),
    }
}

#[inline(always)]
fn into<S: Simd>(s: S, activation: Activation, input: &[f32], output: &mut [f32]) {
    write(s, activation, input, output);
}

/// Writes what the function gives for each value of a row.
///
/// # Panics
///
/// When `output` is of another length.
#[inline(always)]
pub(super) fn write<S: Simd>(s: S, activation: Activation, row: impl Operand, output: &mut [f32]) {
    match activation {
        Activation::None => operand::write(s, row, output),
        Activation::Relu => each_into(s, function::Relu, row, output),
        Activation::Gelu => each_into(s, function::Gelu, row, output),
        Activation::GeluTanh => each_into(s, function::GeluTanh, row, output),
        Activation::Silu => each_into(s, function::Silu, row, output),
        Activation::Sigmoid => each_into(s, function::Sigmoid, row, output),
        Activation::Tanh => each_into(s, function::Tanh, row, output),
        Activation::Clamp { min, max } => each_into(s, function::Clamp { min, max }, row, output),
        Activation::HardSigmoid { alpha, beta } => {
            each_into(s, function::HardSigmoid { alpha, beta }, row, output);
        }
        Activation::HardSwish => each_into(s, function::HardSwish, row, output),
    }
}

#[inline(always)]
fn each<S: Simd>(s: S, function: impl Function, values: &mut [f32]) {
    let mut vectors = values.chunks_exact_mut(S::LANES);
    for vector in &mut vectors {
        let value = function.at(s, s.load(vector));
        s.store(value, vector);
    }
    let rest = vectors.into_remainder();
    if !rest.is_empty() {
        let value = function.at(s, s.load_part(rest, 0.0));
        s.store_part(value, rest);
    }
}

#[inline(always)]
fn each_into<S: Simd>(s: S, function: impl Function, row: impl Operand, output: &mut [f32]) {
    assert_eq!(output.len(), row.len());
    let mut vectors = output.chunks_exact_mut(S::LANES);
    let mut at = 0;
    for vector in &mut vectors {
        s.store(function.at(s, row.vector(s, at)), vector);
        at += S::LANES;
    }
    let rest = vectors.into_remainder();
    if !rest.is_empty() {
        s.store_part(function.at(s, row.part(s, at, rest.len(), 0.0)), rest);
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::tests::on_threads;
    use super::*;
    use Activation::*;
    use proptest::prelude::*;

    const RELU6: Activation = Clamp { min: 0.0, max: 6.0 };
    const HARD_SIGMOID: Activation = HardSigmoid {
        alpha: 0.2,
        beta: 0.5,
    };

    const ALL: [Activation; 10] = [
        None,
        Relu,
        Gelu,
        GeluTanh,
        Silu,
        Sigmoid,
        Tanh,
        RELU6,
        HARD_SIGMOID,
        HardSwish,
    ];

    fn at(level: Level, activation: Activation, x: f32) -> f32 {
        // A whole vector and a part of one.
        let mut values = [x; 17];
        activate_at(level, activation, &mut values);
        assert_eq!(values[0].to_bits(), values[16].to_bits());
        values[0]
    }

    // Φ(1) is 0.841344746068543, Φ(-2) is 0.022750131948179; the others by the exponential function.
    #[test]
    fn known_values() {
        for level in Level::available() {
            for (activation, x, expected) in [
                (Gelu, 1.0, 0.841_344_8),
                (Gelu, -2.0, -0.045_500_264),
                (GeluTanh, 1.0, 0.841_192),
                (GeluTanh, -2.0, -0.045_402_306),
                (Silu, 1.0, 0.731_058_6),
                (Silu, -2.0, -0.238_405_84),
                (Sigmoid, 1.0, 0.731_058_6),
                (Sigmoid, -2.0, 0.119_202_92),
                (Tanh, 0.5, 0.462_117_16),
                (Tanh, -2.0, -0.964_027_6),
                (RELU6, 2.5, 2.5),
                (RELU6, -1.0, 0.0),
                (RELU6, 7.0, 6.0),
                (HARD_SIGMOID, 1.0, 0.7),
                (HARD_SIGMOID, -2.5, 0.0),
                (HARD_SIGMOID, 2.5, 1.0),
                (HardSwish, 1.0, 0.666_666_7),
                (HardSwish, -1.5, -0.375),
                (HardSwish, -3.5, 0.0),
                (HardSwish, 3.5, 3.5),
                // The upper bound, where the lower one is greater.
                (Clamp { min: 2.0, max: 1.0 }, 0.0, 1.0),
            ] {
                approx::assert_abs_diff_eq!(at(level, activation, x), expected, epsilon = 5e-7);
            }
            for activation in [Relu, Gelu, GeluTanh, Silu] {
                assert_eq!(at(level, activation, 0.0), 0.0);
                assert_eq!(at(level, activation, 200.0), 200.0);
                assert_eq!(at(level, activation, -200.0), 0.0);
            }
            assert_eq!(at(level, Relu, -1.0), 0.0);
            assert_eq!(at(level, None, -1.0), -1.0);
            assert_eq!(at(level, Sigmoid, 0.0), 0.5);
            assert_eq!(at(level, Tanh, 0.0), 0.0);
        }
    }

    #[test]
    fn nan_stays_and_infinities_give_the_limits() {
        for level in Level::available() {
            for activation in ALL {
                assert!(at(level, activation, f32::NAN).is_nan(), "{activation:?}");
            }
            for (activation, low, high) in [
                (None, f32::NEG_INFINITY, f32::INFINITY),
                (Relu, 0.0, f32::INFINITY),
                (Gelu, 0.0, f32::INFINITY),
                (GeluTanh, 0.0, f32::INFINITY),
                (Silu, 0.0, f32::INFINITY),
                (Sigmoid, 0.0, 1.0),
                (Tanh, -1.0, 1.0),
                (RELU6, 0.0, 6.0),
                (HARD_SIGMOID, 0.0, 1.0),
                (HardSwish, 0.0, f32::INFINITY),
            ] {
                for x in [f32::NEG_INFINITY, f32::MIN] {
                    let expected = if activation == None { x } else { low };
                    assert_eq!(at(level, activation, x), expected, "{activation:?}");
                }
                for x in [f32::INFINITY, f32::MAX] {
                    let expected = if high.is_finite() { high } else { x };
                    assert_eq!(at(level, activation, x), expected, "{activation:?}");
                }
            }
        }
    }

    /// Φ by a sum of trapezoids in float64, the tail below -14 left out.
    fn cumulative(x: f64) -> f64 {
        let steps = 4000;
        let width = (x + 14.0) / f64::from(steps);
        let density = |z: f64| (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
        let inner: f64 = (1..steps)
            .map(|step| density(-14.0 + f64::from(step) * width))
            .sum();
        width * (inner + (density(-14.0) + density(x)) / 2.0)
    }

    fn expected(activation: Activation, x: f64) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        match activation {
            None => x,
            Relu => x.max(0.0),
            Gelu => x * cumulative(x),
            GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + inner.tanh())
            }
            Silu => x * sigmoid(x),
            Sigmoid => sigmoid(x),
            Tanh => x.tanh(),
            Clamp { min, max } => x.clamp(min.into(), max.into()),
            HardSigmoid { alpha, beta } => (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0),
            HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        }
    }

    proptest! {
        #[test]
        fn values(x in prop_oneof![-1.0f32..1.0, -13.0f32..11.0]) {
            for level in Level::available() {
                for activation in ALL {
                    let expected = expected(activation, f64::from(x));
                    let error = (f64::from(at(level, activation, x)) - expected).abs();
                    prop_assert!(error < 1e-6, "{activation:?} {x}: {error}");
                    let near = x.abs() < 1.0 && ![Sigmoid, HARD_SIGMOID].contains(&activation);
                    let bound = 2e-6 * expected.abs();
                    prop_assert!(!near || error <= bound, "{activation:?} {x}: {error}");
                }
            }
        }
    }

    #[test]
    fn tails_fall_to_zero() {
        for level in Level::available() {
            for activation in [Gelu, GeluTanh, Silu] {
                let mut last = at(level, activation, -4.0);
                for step in 0..20_000 {
                    let value = at(level, activation, -4.0 - step as f32 * 0.01);
                    assert!(value >= last && value <= 0.0, "{activation:?} {step}");
                    last = value;
                }
                assert_eq!(last, 0.0);
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let input: Vec<f32> = (0..300_007)
            .map(|i| (i % 1009) as f32 * 0.01 - 5.0)
            .collect();
        for activation in ALL {
            on_threads(|| {
                let mut output = vec![0.0; input.len()];
                activate_into(activation, &input, &mut output);
                let mut values = input.clone();
                activate(activation, &mut values);
                assert!(values == output);
                output
            });
        }
    }

    #[test]
    #[should_panic(expected = "values of the output")]
    fn lengths_are_checked() {
        activate_into(Gelu, &[1.0; 3], &mut [0.0; 4]);
    }
}
