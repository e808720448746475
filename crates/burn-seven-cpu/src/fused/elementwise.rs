//! Sums and products of two tensors, and what follows them.

use burn_seven_kernels::Activation;
use rayon::prelude::*;

use super::activate::write;
use super::operand::{Product, Sum};
use super::simd::{Simd, by_level};
use super::split;
use crate::sparse::Level;

/// What a value takes, about, in nanoseconds.
const COST: f64 = 0.15;

/// `activation(a + b)`, value by value.
///
/// # Panics
///
/// When lengths differ.
pub fn add(a: &[f32], b: &[f32], activation: Activation, output: &mut [f32]) {
    in_parts(add_at, a, b, activation, output);
}

/// `activation(a * b)`, value by value.
///
/// # Panics
///
/// When lengths differ.
pub fn mul(a: &[f32], b: &[f32], activation: Activation, output: &mut [f32]) {
    in_parts(mul_at, a, b, activation, output);
}

type Kernel = fn(Level, &[f32], &[f32], Activation, &mut [f32]);

fn in_parts(kernel: Kernel, a: &[f32], b: &[f32], activation: Activation, output: &mut [f32]) {
    assert_eq!(b.len(), a.len(), "values of the other tensor");
    assert_eq!(output.len(), a.len(), "values of the output");
    let each = split::values(a.len(), COST);
    if each >= a.len() {
        return kernel(Level::best(), a, b, activation, output);
    }
    let parts = output.par_chunks_mut(each);
    let parts = parts.zip(a.par_chunks(each)).zip(b.par_chunks(each));
    parts.for_each(|((output, a), b)| kernel(Level::best(), a, b, activation, output));
}

by_level!(sum => fn add_at(a: &[f32], b: &[f32], activation: Activation, output: &mut [f32]));
by_level!(product => fn mul_at(a: &[f32], b: &[f32], activation: Activation, output: &mut [f32]));

#[inline(always)]
fn sum<S: Simd>(s: S, a: &[f32], b: &[f32], activation: Activation, output: &mut [f32]) {
    write(s, activation, Sum::new(a, b), output);
}

#[inline(always)]
fn product<S: Simd>(s: S, a: &[f32], b: &[f32], activation: Activation, output: &mut [f32]) {
    write(s, activation, Product::new(a, b), output);
}

#[cfg(test)]
mod tests {
    use super::super::split::tests::on_threads;
    use super::*;
    use Activation::{Gelu, None, Relu};

    #[test]
    fn known_values_and_odd_lengths() {
        for level in Level::available() {
            for length in 0..70 {
                let a: Vec<f32> = (0..length).map(|i| i as f32 - 3.0).collect();
                let b: Vec<f32> = (0..length).map(|i| 0.5 * i as f32).collect();
                let mut output = vec![9.0; length];
                let sum = |i: f32| 1.5 * i - 3.0;
                let product = |i: f32| (i - 3.0) * 0.5 * i;
                let all = |function: &dyn Fn(f32) -> f32| -> Vec<f32> {
                    (0..length).map(|i| function(i as f32)).collect()
                };
                add_at(level, &a, &b, None, &mut output);
                assert_eq!(output, all(&sum));
                add_at(level, &a, &b, Relu, &mut output);
                assert_eq!(output, all(&|i| sum(i).max(0.0)));
                mul_at(level, &a, &b, None, &mut output);
                assert_eq!(output, all(&product));
                mul_at(level, &a, &b, Relu, &mut output);
                assert_eq!(output, all(&|i| product(i).max(0.0)));
            }
        }
    }

    #[test]
    fn nan_and_infinity_are_those_of_float32() {
        let mut output = [0.0; 2];
        add(
            &[f32::NAN, f32::INFINITY],
            &[1.0, f32::NEG_INFINITY],
            None,
            &mut output,
        );
        assert!(output.iter().all(|value| value.is_nan()));
        mul(&[f32::NAN, f32::INFINITY], &[0.0, -1.0], None, &mut output);
        assert!(output[0].is_nan());
        assert_eq!(output[1], f32::NEG_INFINITY);
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let a: Vec<f32> = (0..700_003).map(|i| (i % 1009) as f32 * 0.1).collect();
        let b: Vec<f32> = (0..700_003).map(|i| (i % 1013) as f32 * 0.3).collect();
        for function in [add, mul] {
            on_threads(|| {
                let mut output = vec![0.0; a.len()];
                function(&a, &b, Gelu, &mut output);
                output
            });
        }
    }

    #[test]
    #[should_panic(expected = "values of the other tensor")]
    fn lengths_are_checked() {
        add(&[1.0; 3], &[1.0; 4], None, &mut [0.0; 3]);
    }
}
