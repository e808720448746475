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
        return softmax_at(Level::best(), Some(input), width, output);
    };
    let parts = output.par_chunks_mut(each).zip(input.par_chunks(each));
    parts.for_each(|(output, input)| softmax_at(Level::best(), Some(input), width, output));
}

/// [`softmax`] in place.
///
/// # Panics
///
/// When the values are not whole rows.
pub fn softmax_in_place(values: &mut [f32], width: usize) {
    let Some(each) = each(values.len(), width) else {
        return softmax_at(Level::best(), None, width, values);
    };
    let parts = values.par_chunks_mut(each);
    parts.for_each(|values| softmax_at(Level::best(), None, width, values));
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

by_level!(all_rows => fn softmax_at(input: Option<&[f32]>, width: usize, values: &mut [f32]));

/// Rows at a time: what has to wait for one's sums goes on with another's.
const ROWS: usize = 4;

#[inline(always)]
fn all_rows<S: Simd>(s: S, input: Option<&[f32]>, width: usize, values: &mut [f32]) {
    let some = ROWS * width.max(1);
    for (index, rows) in values.chunks_mut(some).enumerate() {
        let from = input.map(|input| &input[index * some..][..rows.len()]);
        if rows.len() == some {
            divide::<S, ROWS>(s, from, rows, width);
            continue;
        }
        for (index, row) in rows.chunks_exact_mut(width).enumerate() {
            let from = from.map(|from| &from[index * width..][..width]);
            divide::<S, 1>(s, from, row, width);
        }
    }
}

/// The softmax of some rows.
#[inline(always)]
fn divide<S: Simd, const R: usize>(s: S, from: Option<&[f32]>, rows: &mut [f32], width: usize) {
    let totals = exponentials::<S, R>(s, from, rows, width, width);
    for (row, total) in rows.chunks_exact_mut(width).zip(totals) {
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

/// Writes `e^(x - greatest of the row)` for the first `width` numbers of rows that are `stride` apart,
/// and gives the totals of the rows. The numbers are there already or come `from` such rows.
#[inline(always)]
pub fn exponentials<S: Simd, const R: usize>(
    s: S,
    from: Option<&[f32]>,
    rows: &mut [f32],
    stride: usize,
    width: usize,
) -> [f32; R] {
    let whole = width / S::LANES * S::LANES;
    let mut most = [s.splat(f32::NEG_INFINITY); R];
    for at in (0..whole).step_by(S::LANES) {
        for (r, most) in most.iter_mut().enumerate() {
            // The second is taken where the first is NaN: that comes back in the total.
            *most = s.max(s.load(&from.unwrap_or(rows)[r * stride + at..]), *most);
        }
    }
    let rest = width - whole;
    if rest > 0 {
        for (r, most) in most.iter_mut().enumerate() {
            let values = &from.unwrap_or(rows)[r * stride + whole..][..rest];
            *most = s.max(s.load_part(values, f32::NEG_INFINITY), *most);
        }
    }
    let most = most.map(|most| s.greatest(most));
    let mut totals = [s.splat(0.0); R];
    for at in (0..whole).step_by(S::LANES) {
        for (r, (total, most)) in totals.iter_mut().zip(most).enumerate() {
            let at = r * stride + at;
            let value = s.load(&from.unwrap_or(rows)[at..]);
            let value = exp(s, s.sub(value, s.splat(most)));
            *total = s.add(*total, value);
            s.store(value, &mut rows[at..]);
        }
    }
    if rest > 0 {
        for (r, (total, most)) in totals.iter_mut().zip(most).enumerate() {
            let at = r * stride + whole;
            let value = s.load_part(&from.unwrap_or(rows)[at..][..rest], f32::NEG_INFINITY);
            let value = exp(s, s.sub(value, s.splat(most)));
            *total = s.add(*total, value);
            s.store_part(value, &mut rows[at..][..rest]);
        }
    }
    totals.map(|total| s.sum(total))
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
            softmax_at(level, None, 3, &mut values);
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
                softmax_at(level, None, 3, &mut values);
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
        fn rows_are_those_of_float64(width in 1usize..150, rows in 0usize..10, seed: u64) {
            let input = numbers(width * rows, seed);
            for level in Level::available() {
                let mut output = input.clone();
                softmax_at(level, None, width, &mut output);
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
