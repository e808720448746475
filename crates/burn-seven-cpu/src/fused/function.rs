//! Activation functions of vectors.

use super::exp::{self, exp, exp_less_one, exp2, polynomial};
use super::simd::Simd;

/// A function of each lane. NaN gives NaN, and infinities give the limits.
pub trait Function: Copy {
    /// Its values.
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V;
}

/// `max(x, 0)`.
#[derive(Clone, Copy)]
pub struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V {
        s.max(s.splat(0.0), x)
    }
}

/// What `x g(x)` is for a function with `g(x) = 1 - g(-x)` that comes to 0 for negative numbers:
/// `max(x, 0) - m g(-m)` with the magnitude `m` of `x`, of which none above `END` counts.
trait Gate: Copy {
    /// From here on `g(-m)` is 0 in float32.
    const END: f32;

    /// `m g(-m)` for a magnitude of at most `END`.
    fn tail<S: Simd>(s: S, magnitude: S::V) -> S::V;
}

impl<G: Gate> Function for G {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V {
        // NaN gives the end here, and stays NaN in `max(x, 0)`.
        let magnitude = s.min(s.abs(x), s.splat(G::END));
        s.sub(s.max(s.splat(0.0), x), G::tail(s, magnitude))
    }
}

/// With the normal distribution's cumulative function Φ: the function by its definition.
///
/// The logarithm of `Φ(-m)` is close to a polynomial, whose coefficients make the greatest error of
/// `m Φ(-m)` least: 1.1e-7.
#[derive(Clone, Copy)]
pub struct Gelu;

impl Gate for Gelu {
    const END: f32 = 12.977;

    #[inline(always)]
    fn tail<S: Simd>(s: S, magnitude: S::V) -> S::V {
        const LOG: [f32; 9] = [
            -0.999_999_46,
            -1.151_130_8,
            -0.459_011,
            -0.053_048_223,
            0.007_796_451,
            -0.000_648_853_5,
            5.615_519e-6,
            3.179_031_9e-6,
            -1.541_624e-7,
        ];
        s.mul(magnitude, exp2(s, polynomial(s, magnitude, LOG)))
    }
}

/// With the logistic function of `2 sqrt(2/π) (x + 0.044715 x^3)`, which is what
/// `(1 + tanh(sqrt(2/π) (x + 0.044715 x^3))) / 2` is.
#[derive(Clone, Copy)]
pub struct GeluTanh;

impl Gate for GeluTanh {
    const END: f32 = 10.031_089;

    #[inline(always)]
    fn tail<S: Simd>(s: S, magnitude: S::V) -> S::V {
        // -2 sqrt(2/π) log2(e), and 0.044715 times that.
        const LOG: [f32; 2] = [-2.302_208_2, -0.102_943_24];
        let square = s.mul(magnitude, magnitude);
        let exp = exp2(s, s.mul(magnitude, polynomial(s, square, LOG)));
        s.div(s.mul(magnitude, exp), s.add(s.splat(1.0), exp))
    }
}

/// With the logistic function.
#[derive(Clone, Copy)]
pub struct Silu;

impl Gate for Silu {
    const END: f32 = -exp::LEAST;

    #[inline(always)]
    fn tail<S: Simd>(s: S, magnitude: S::V) -> S::V {
        let exp = exp(s, s.sub(s.splat(0.0), magnitude));
        s.div(s.mul(magnitude, exp), s.add(s.splat(1.0), exp))
    }
}

/// `1 / (1 + e^-x)`, by the exponential of what is not positive.
#[derive(Clone, Copy)]
pub struct Sigmoid;

impl Function for Sigmoid {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V {
        let one = s.splat(1.0);
        let exp = exp(s, s.sub(s.splat(0.0), s.abs(x)));
        s.div(s.where_negative(x, exp, one), s.add(one, exp))
    }
}

/// `(1 - e^-2m) / (1 + e^-2m)` with the sign of `x`.
#[derive(Clone, Copy)]
pub struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V {
        let less = exp_less_one(s, s.mul(s.splat(-2.0), s.abs(x)));
        let value = s.div(s.sub(s.splat(0.0), less), s.add(s.splat(2.0), less));
        s.with_sign(s.abs(value), x)
    }
}

/// `min(max(x, min), max)`.
#[derive(Clone, Copy)]
pub struct Clamp {
    pub min: f32,
    pub max: f32,
}

impl Function for Clamp {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V {
        s.min(s.splat(self.max), s.max(s.splat(self.min), x))
    }
}

/// `alpha x + beta` between 0 and 1.
#[derive(Clone, Copy)]
pub struct HardSigmoid {
    pub alpha: f32,
    pub beta: f32,
}

impl Function for HardSigmoid {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V {
        let line = s.add(s.mul(s.splat(self.alpha), x), s.splat(self.beta));
        Clamp { min: 0.0, max: 1.0 }.at(s, line)
    }
}

/// `x` times the hard sigmoid with 1/6 and 0.5, which is 0 up to -3.
#[derive(Clone, Copy)]
pub struct HardSwish;

impl Function for HardSwish {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, x: S::V) -> S::V {
        const GATE: HardSigmoid = HardSigmoid {
            alpha: 1.0 / 6.0,
            beta: 0.5,
        };
        // Not the product of minus infinity and 0.
        let x = s.max(s.splat(-3.0), x);
        s.mul(x, GATE.at(s, x))
    }
}
