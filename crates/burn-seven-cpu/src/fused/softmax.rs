//! Rows of probabilities.

use rayon::prelude::*;

use super::exp::exp;
use super::simd::{Simd, by_level};
use super::split;
use crate::sparse::Level;

/// What a value takes, about, in nanoseconds.
const COST: f64 = 0.4;

/// `e^x / sum(e^x)` for each row, shape `[rows, width]`, without overflow: the greatest of the row is
/// taken off first. A row with a NaN, with +∞ or with nothing but -∞ gives NaN.
///
/// # Panics
///
/// When the input is not whole rows, or the output is of another length.
pub fn softmax(input: &[f32], width: usize, output: &mut [f32]) {
    assert_eq!(output.len(), input.len(), "values of the output");
    let Some(each) = each(input.len(), width) else {
        output.copy_from_slice(input);
        return softmax_at(Level::best(), width, output);
    };
    let parts = output.par_chunks_mut(each).zip(input.par_chunks(each));
    parts.for_each(|(output, input)| {
        output.copy_from_slice(input);
        softmax_at(Level::best(), width, output);
    });
}

/// [`softmax`] in place.
///
/// # Panics
///
/// When the values are not whole rows.
pub fn softmax_in_place(values: &mut [f32], width: usize) {
    let Some(each) = each(values.len(), width) else {
        return softmax_at(Level::best(), width, values);
    };
    let parts = values.par_chunks_mut(each);
    parts.for_each(|values| softmax_at(Level::best(), width, values));
}

/// How many values are one part of the work, if there is more than one.
fn each(values: usize, width: usize) -> Option<usize> {
    let whole = if width == 0 {
        values == 0
    } else {
        values.is_multiple_of(width)
    };
    assert!(whole, "{values} values are no rows of {width}");
    let each = split::rows(values / width.max(1), width as f64 * COST) * width;
    (each < values).then_some(each)
}

by_level!(rows => fn softmax_at(width: usize, values: &mut [f32]));

#[inline(always)]
fn rows<S: Simd>(s: S, width: usize, values: &mut [f32]) {
    for row in values.chunks_exact_mut(width.max(1)) {
        let greatest = s.splat(greatest(s, row));
        let total = exponentials(s, row, greatest);
        let factor = s.splat(1.0 / total);
        let mut vectors = row.chunks_exact_mut(S::LANES);
        for vector in &mut vectors {
            s.store(s.mul(s.load(vector), factor), vector);
        }
        let rest = vectors.into_remainder();
        if !rest.is_empty() {
            s.store_part(s.mul(s.load_part(rest, 0.0), factor), rest);
        }
    }
}

/// The greatest of a row, NaN aside.
#[inline(always)]
fn greatest<S: Simd>(s: S, row: &[f32]) -> f32 {
    let mut most = [s.splat(f32::NEG_INFINITY); 2];
    let mut pairs = row.chunks_exact(2 * S::LANES);
    for pair in &mut pairs {
        most[0] = s.max(s.load(pair), most[0]);
        most[1] = s.max(s.load(&pair[S::LANES..]), most[1]);
    }
    for part in pairs.remainder().chunks(S::LANES) {
        most[0] = s.max(s.load_part(part, f32::NEG_INFINITY), most[0]);
    }
    s.greatest(s.max(most[0], most[1]))
}

/// Puts `e^(x - greatest)` in place of `x`, and gives the sum.
#[inline(always)]
fn exponentials<S: Simd>(s: S, row: &mut [f32], greatest: S::V) -> f32 {
    let mut sums = [s.splat(0.0); 2];
    let mut pairs = row.chunks_exact_mut(2 * S::LANES);
    for pair in &mut pairs {
        for (vector, sum) in pair.chunks_exact_mut(S::LANES).zip(&mut sums) {
            let value = exp(s, s.sub(s.load(vector), greatest));
            *sum = s.add(*sum, value);
            s.store(value, vector);
        }
    }
    for part in pairs.into_remainder().chunks_mut(S::LANES) {
        let value = exp(s, s.sub(s.load_part(part, f32::NEG_INFINITY), greatest));
        sums[0] = s.add(sums[0], value);
        s.store_part(value, part);
    }
    s.sum(s.add(sums[0], sums[1]))
}

#[cfg(test)]
mod tests {
    use super::super::split::tests::on_threads;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        for level in Level::available() {
            let mut values = [0.0, 2f32.ln(), 5f32.ln(), 1000.0, 1000.0, f32::NEG_INFINITY];
            softmax_at(level, 3, &mut values);
            for (found, expected) in values.into_iter().zip([0.125, 0.25, 0.625, 0.5, 0.5, 0.0]) {
                approx::assert_abs_diff_eq!(found, expected, epsilon = 1e-7);
            }
        }
    }

    #[test]
    fn rows_without_a_softmax_are_nan_and_others_are_not() {
        const INF: f32 = f32::INFINITY;
        for level in Level::available() {
            for (row, nan) in [
                ([-INF; 3], true),
                ([1.0, INF, 2.0], true),
                ([1.0, f32::NAN, 2.0], true),
                ([f32::NAN, -INF, -INF], true),
                ([f32::MIN; 3], false),
                ([f32::MIN, f32::MAX, 0.0], false),
                ([-INF, 0.0, -INF], false),
            ] {
                let mut values = [row, [1.0, 2.0, 3.0]].concat();
                softmax_at(level, 3, &mut values);
                assert!(
                    values[..3].iter().all(|value| value.is_nan() == nan),
                    "{row:?}"
                );
                assert!(values[3..].iter().all(|value| !value.is_nan()));
            }
        }
    }

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-10.0..10.0)).collect()
    }

    proptest! {
        #[test]
        fn rows_are_those_of_float64(width in 1usize..150, rows in 0usize..4, seed: u64) {
            let input = numbers(width * rows, seed);
            for level in Level::available() {
                let mut output = input.clone();
                softmax_at(level, width, &mut output);
                for (input, output) in input.chunks(width).zip(output.chunks(width)) {
                    let exp: Vec<f64> = input.iter().map(|&x| f64::from(x).exp()).collect();
                    let total: f64 = exp.iter().sum();
                    for (exp, &found) in exp.iter().zip(output) {
                        let expected = exp / total;
                        prop_assert!((f64::from(found) - expected).abs() < 5e-6 * expected);
                    }
                }
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let width = 67;
        let input = numbers(width * 6007, 1);
        on_threads(|| {
            let mut output = vec![0.0; input.len()];
            softmax(&input, width, &mut output);
            let mut values = input.clone();
            softmax_in_place(&mut values, width);
            assert!(values == output);
            output
        });
    }

    #[test]
    fn no_rows_and_no_columns() {
        softmax(&[], 0, &mut []);
        softmax(&[], 3, &mut []);
        softmax_in_place(&mut [], 0);
    }

    #[test]
    #[should_panic(expected = "5 values are no rows of 2")]
    fn rows_are_checked() {
        softmax(&[0.0; 5], 2, &mut [0.0; 5]);
    }
}
