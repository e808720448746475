//! Normalized rows.

use rayon::prelude::*;

use super::operand::{self, Operand, Sum};
use super::simd::{Simd, by_level};
use super::split;
use crate::sparse::Level;

/// What a value takes, about, in nanoseconds.
const COST: f64 = 0.2;

/// What rows are normalized with; their width is that of `gamma`.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// What normalized rows are multiplied by, shape `[width]`.
    pub gamma: &'a [f32],
    /// What is added to them, shape `[width]`.
    pub beta: Option<&'a [f32]>,
    /// What is added to the variance.
    pub epsilon: f32,
}

impl Norm<'_> {
    /// # Panics
    ///
    /// When beta is of another width, or values are no whole number of rows.
    fn check(&self, values: usize, output: usize) {
        let width = self.gamma.len();
        let beta = self.beta.map_or(width, <[f32]>::len);
        assert_eq!(beta, width, "values of beta");
        check(values, output, width);
    }
}

fn check(values: usize, output: usize, width: usize) {
    assert_eq!(output, values, "values of the output");
    let whole = if width == 0 {
        values == 0
    } else {
        values.is_multiple_of(width)
    };
    assert!(whole, "{values} values are no rows of {width}");
}

/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta` for each row, shape `[rows, width]`, with
/// the biased variance: Burn's `LayerNorm`.
///
/// # Panics
///
/// When the input is not whole rows, or the output or beta are of other lengths.
pub fn layer_norm(input: &[f32], norm: Norm<'_>, output: &mut [f32]) {
    norm.check(input.len(), output.len());
    let level = Level::best();
    let Some(each) = each(input.len(), norm.gamma.len()) else {
        return layer_norm_at(level, input, norm, output);
    };
    let parts = output.par_chunks_mut(each).zip(input.par_chunks(each));
    parts.for_each(|(output, input)| layer_norm_at(level, input, norm, output));
}

/// [`layer_norm`] of `a + b`, which is written to `sum` too where that is given; all are of shape
/// `[rows, width]`.
///
/// # Panics
///
/// When `a` is not whole rows, or one of the others is of another length.
pub fn add_layer_norm(
    a: &[f32],
    b: &[f32],
    norm: Norm<'_>,
    sum: Option<&mut [f32]>,
    output: &mut [f32],
) {
    norm.check(a.len(), output.len());
    assert_eq!(b.len(), a.len(), "values to add");
    let room = sum.as_ref().map_or(a.len(), |sum| sum.len());
    assert_eq!(room, a.len(), "values of the sum");
    let level = Level::best();
    let Some(each) = each(a.len(), norm.gamma.len()) else {
        return match sum {
            Some(sum) => add_layer_norm_at(level, a, b, norm, sum, output),
            None => add_only_at(level, a, b, norm, output),
        };
    };
    let parts = output.par_chunks_mut(each);
    let parts = parts.zip(a.par_chunks(each)).zip(b.par_chunks(each));
    match sum {
        Some(sum) => parts
            .zip(sum.par_chunks_mut(each))
            .for_each(|(((output, a), b), sum)| add_layer_norm_at(level, a, b, norm, sum, output)),
        None => parts.for_each(|((output, a), b)| add_only_at(level, a, b, norm, output)),
    }
}

/// `x / sqrt(mean(x^2) + epsilon) * gamma` for each row, shape `[rows, width]`; the width is that of
/// `gamma`.
///
/// # Panics
///
/// When the input is not whole rows, or the output is of another length.
pub fn rms_norm(input: &[f32], gamma: &[f32], epsilon: f32, output: &mut [f32]) {
    check(input.len(), output.len(), gamma.len());
    let level = Level::best();
    let Some(each) = each(input.len(), gamma.len()) else {
        return rms_norm_at(level, input, gamma, epsilon, output);
    };
    let parts = output.par_chunks_mut(each).zip(input.par_chunks(each));
    parts.for_each(|(output, input)| rms_norm_at(level, input, gamma, epsilon, output));
}

/// How many values are one part of the work, if there is more than one.
fn each(values: usize, width: usize) -> Option<usize> {
    let each = split::rows(values / width.max(1), width as f64 * COST) * width;
    (each < values).then_some(each)
}

by_level!(layer_norm_rows => fn layer_norm_at(input: &[f32], norm: Norm<'_>, output: &mut [f32]));
by_level!(add_layer_norm_rows => fn add_layer_norm_at(
    a: &[f32], b: &[f32], norm: Norm<'_>, sum: &mut [f32], output: &mut [f32],
));
by_level!(add_only_rows => fn add_only_at(
    a: &[f32], b: &[f32], norm: Norm<'_>, output: &mut [f32],
));
by_level!(rms_norm_rows => fn rms_norm_at(
    input: &[f32], gamma: &[f32], epsilon: f32, output: &mut [f32],
));

/// Rows at a time: what has to wait for one's sums goes on with another's.
const ROWS: usize = 4;

#[inline(always)]
fn layer_norm_rows<S: Simd>(s: S, input: &[f32], norm: Norm<'_>, output: &mut [f32]) {
    let width = norm.gamma.len().max(1);
    let mut from = input.chunks_exact(ROWS * width);
    let mut to = output.chunks_exact_mut(ROWS * width);
    for (rows, output) in (&mut from).zip(&mut to) {
        normalize::<S, ROWS>(s, rows, norm, output);
    }
    let rest = from.remainder().chunks_exact(width);
    for (row, output) in rest.zip(to.into_remainder().chunks_exact_mut(width)) {
        normalize::<S, 1>(s, row, norm, output);
    }
}

#[inline(always)]
fn add_only_rows<S: Simd>(s: S, a: &[f32], b: &[f32], norm: Norm<'_>, output: &mut [f32]) {
    let width = norm.gamma.len().max(1);
    let (mut a, mut b) = (a.chunks_exact(ROWS * width), b.chunks_exact(ROWS * width));
    let mut to = output.chunks_exact_mut(ROWS * width);
    for ((a, b), output) in (&mut a).zip(&mut b).zip(&mut to) {
        normalize::<S, ROWS>(s, Sum::new(a, b), norm, output);
    }
    let (a, b) = (
        a.remainder().chunks_exact(width),
        b.remainder().chunks_exact(width),
    );
    for ((a, b), output) in a.zip(b).zip(to.into_remainder().chunks_exact_mut(width)) {
        normalize::<S, 1>(s, Sum::new(a, b), norm, output);
    }
}

#[inline(always)]
fn add_layer_norm_rows<S: Simd>(
    s: S,
    a: &[f32],
    b: &[f32],
    norm: Norm<'_>,
    sum: &mut [f32],
    output: &mut [f32],
) {
    let some = ROWS * norm.gamma.len().max(1);
    let rows = a.chunks(some).zip(b.chunks(some));
    let to = sum.chunks_mut(some).zip(output.chunks_mut(some));
    for ((a, b), (sum, output)) in rows.zip(to) {
        // They are still in the nearest cache.
        operand::write(s, Sum::new(a, b), sum);
        layer_norm_rows(s, sum, norm, output);
    }
}

#[inline(always)]
fn rms_norm_rows<S: Simd>(s: S, input: &[f32], gamma: &[f32], epsilon: f32, output: &mut [f32]) {
    let width = gamma.len().max(1);
    let mut from = input.chunks_exact(ROWS * width);
    let mut to = output.chunks_exact_mut(ROWS * width);
    for (rows, output) in (&mut from).zip(&mut to) {
        divide::<S, ROWS>(s, rows, gamma, epsilon, output);
    }
    let rest = from.remainder().chunks_exact(width);
    for (row, output) in rest.zip(to.into_remainder().chunks_exact_mut(width)) {
        divide::<S, 1>(s, row, gamma, epsilon, output);
    }
}

/// Some rows by the root of their mean square.
#[inline(always)]
fn divide<S: Simd, const R: usize>(
    s: S,
    rows: &[f32],
    gamma: &[f32],
    epsilon: f32,
    output: &mut [f32],
) {
    let width = gamma.len();
    let totals = totals::<S, R, true>(s, rows, width, [0.0; R]);
    let factors = totals.map(|total| 1.0 / (total / width as f32 + epsilon).sqrt());
    scale(s, rows, [0.0; R], factors, gamma, None, output);
}

/// Some rows, in three passes: the means, the variances around them, the outputs.
#[inline(always)]
fn normalize<S: Simd, const R: usize>(
    s: S,
    rows: impl Operand,
    norm: Norm<'_>,
    output: &mut [f32],
) {
    let width = norm.gamma.len();
    let means = totals::<S, R, false>(s, rows, width, [0.0; R]).map(|total| total / width as f32);
    let totals = totals::<S, R, true>(s, rows, width, means);
    let factors = totals.map(|total| 1.0 / (total / width as f32 + norm.epsilon).sqrt());
    scale(s, rows, means, factors, norm.gamma, norm.beta, output);
}

/// The sums of `x - mean`, or of its square, for each of some rows. The order of additions is the
/// same for any number of rows.
#[inline(always)]
fn totals<S: Simd, const R: usize, const SQUARED: bool>(
    s: S,
    rows: impl Operand,
    width: usize,
    means: [f32; R],
) -> [f32; R] {
    let mut sums = [[s.splat(0.0); 2]; R];
    let whole = width / S::LANES * S::LANES;
    let pairs = width / (2 * S::LANES) * (2 * S::LANES);
    let mut at = 0;
    while at < pairs {
        for r in 0..R {
            for (half, sum) in sums[r].iter_mut().enumerate() {
                let value = rows.vector(s, r * width + at + half * S::LANES);
                *sum = accumulate::<S, SQUARED>(s, value, means[r], *sum);
            }
        }
        at += 2 * S::LANES;
    }
    for r in 0..R {
        let [first, second] = &mut sums[r];
        if pairs < whole {
            let value = rows.vector(s, r * width + pairs);
            *first = accumulate::<S, SQUARED>(s, value, means[r], *first);
        }
        if whole < width {
            let value = rows.part(s, r * width + whole, width - whole, means[r]);
            *second = accumulate::<S, SQUARED>(s, value, means[r], *second);
        }
    }
    sums.map(|[first, second]| s.sum(s.add(first, second)))
}

#[inline(always)]
fn accumulate<S: Simd, const SQUARED: bool>(s: S, x: S::V, mean: f32, sum: S::V) -> S::V {
    let value = s.sub(x, s.splat(mean));
    match SQUARED {
        true => s.mul_add(value, value, sum),
        false => s.add(sum, value),
    }
}

/// `(x - mean) * factor * gamma + beta` for each of some rows.
#[inline(always)]
fn scale<S: Simd, const R: usize>(
    s: S,
    rows: impl Operand,
    means: [f32; R],
    factors: [f32; R],
    gamma: &[f32],
    beta: Option<&[f32]>,
    output: &mut [f32],
) {
    let width = gamma.len();
    let whole = width / S::LANES * S::LANES;
    let mut at = 0;
    while at < whole {
        let gammas = gamma.vector(s, at);
        let betas = match beta {
            Some(beta) => beta.vector(s, at),
            None => s.splat(0.0),
        };
        for r in 0..R {
            let value = rows.vector(s, r * width + at);
            let value = affine(s, value, means[r], factors[r], gammas, betas);
            s.store(value, &mut output[r * width + at..]);
        }
        at += S::LANES;
    }
    let rest = width - whole;
    if rest > 0 {
        let gammas = gamma.part(s, at, rest, 0.0);
        let betas = match beta {
            Some(beta) => beta.part(s, at, rest, 0.0),
            None => s.splat(0.0),
        };
        for r in 0..R {
            let value = rows.part(s, r * width + at, rest, 0.0);
            let value = affine(s, value, means[r], factors[r], gammas, betas);
            s.store_part(value, &mut output[r * width + at..][..rest]);
        }
    }
}

#[inline(always)]
fn affine<S: Simd>(s: S, x: S::V, mean: f32, factor: f32, gamma: S::V, beta: S::V) -> S::V {
    let value = s.mul(s.sub(x, s.splat(mean)), s.splat(factor));
    s.mul_add(value, gamma, beta)
}

#[cfg(test)]
mod tests {
    use super::super::split::tests::on_threads;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        for level in Level::available() {
            // Means 2 and -1, variances 2/3 and 6.
            let (input, mut output) = ([1.0, 2.0, 3.0, -4.0, 1.0, 0.0], [0.0; 6]);
            let norm = Norm {
                gamma: &[1.0, 2.0, 3.0],
                beta: Some(&[0.0, 0.5, 1.0]),
                epsilon: 0.0,
            };
            layer_norm_at(level, &input, norm, &mut output);
            let (one, two) = (1.5f32.sqrt(), 14f32.sqrt() / 3f32.sqrt());
            let expected = [
                -one,
                0.5,
                3.0 * one + 1.0,
                -3.0 / two,
                4.0 / two + 0.5,
                3.0 / two + 1.0,
            ];
            for (found, expected) in output.into_iter().zip(expected) {
                approx::assert_abs_diff_eq!(found, expected, epsilon = 1e-6);
            }
            rms_norm_at(level, &[3.0, 4.0], &[1.0, 2.0], 12.5, &mut output[..2]);
            assert_eq!(output[..2], [0.6, 1.6]);
        }
    }

    #[test]
    fn a_nan_or_infinity_makes_its_row_nan() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut input = vec![1.0; 3 * 37];
            input[40] = bad;
            let mut output = vec![0.0; input.len()];
            let norm = Norm {
                gamma: &[1.0; 37],
                beta: None,
                epsilon: 1e-5,
            };
            layer_norm(&input, norm, &mut output);
            for (index, value) in output.iter().enumerate() {
                assert_eq!(value.is_nan(), (37..74).contains(&index));
            }
        }
    }

    #[test]
    fn equal_values_give_beta() {
        let mut output = [7.0; 40];
        let norm = Norm {
            gamma: &[3.0; 20],
            beta: Some(&[0.25; 20]),
            epsilon: 1e-5,
        };
        layer_norm(&[5.0; 40], norm, &mut output);
        assert_eq!(output, [0.25; 40]);
    }

    fn expected(row: &[f64], norm: Norm<'_>) -> Vec<f64> {
        let width = row.len() as f64;
        let mean = row.iter().sum::<f64>() / width;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width;
        let scale = (variance + f64::from(norm.epsilon)).sqrt();
        let each = row.iter().enumerate().map(|(i, x)| {
            let beta = norm.beta.map_or(0.0, |beta| f64::from(beta[i]));
            (x - mean) / scale * f64::from(norm.gamma[i]) + beta
        });
        each.collect()
    }

    fn numbers(count: usize, seed: u64, offset: f32) -> Vec<f32> {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        (0..count)
            .map(|_| rng.random_range(-1.0..1.0) + offset)
            .collect()
    }

    proptest! {
        #[test]
        fn rows_are_those_of_float64(
            width in 1usize..200, rows in 0usize..4, seed: u64, shifted: bool, with_beta: bool,
        ) {
            let offset = if shifted { 30.0 } else { 0.0 };
            let (a, b) = (numbers(rows * width, seed, offset), numbers(rows * width, !seed, 0.0));
            let (gamma, beta) = (numbers(width, seed ^ 1, 1.0), numbers(width, seed ^ 2, 0.0));
            let norm = Norm { gamma: &gamma, beta: with_beta.then_some(&*beta), epsilon: 1e-5 };
            for level in Level::available() {
                let close = |output: &[f32], input: &[f32]| {
                    for (output, row) in output.chunks(width).zip(input.chunks(width)) {
                        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
                        for (&found, expected) in output.iter().zip(expected(&row, norm)) {
                            // An error of the mean and of the inputs' sums is scaled up where
                            // values hardly differ.
                            let error = (f64::from(found) - expected).abs();
                            prop_assert!(width < 3 || error < 1e-4, "{error}");
                        }
                    }
                    Ok(())
                };
                let mut output = vec![0.0; a.len()];
                layer_norm_at(level, &a, norm, &mut output);
                close(&output, &a)?;

                let total: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
                let mut sum = vec![0.0; a.len()];
                add_layer_norm_at(level, &a, &b, norm, &mut sum, &mut output);
                prop_assert_eq!(&sum, &total);
                close(&output, &total)?;
                let mut again = vec![0.0; a.len()];
                add_only_at(level, &a, &b, norm, &mut again);
                prop_assert_eq!(&output, &again);

                rms_norm_at(level, &a, &gamma, 1e-5, &mut output);
                for (output, row) in output.chunks(width).zip(a.chunks(width)) {
                    let square = |&x: &f32| f64::from(x).powi(2);
                    let mean = row.iter().map(square).sum::<f64>() / width as f64;
                    let scale = 1.0 / (mean + 1e-5f32 as f64).sqrt();
                    for ((&found, &x), &gamma) in output.iter().zip(row).zip(&gamma) {
                        let expected = f64::from(x) * scale * f64::from(gamma);
                        prop_assert!((f64::from(found) - expected).abs() < 4e-6);
                    }
                }
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let width = 389;
        let (a, b) = (numbers(width * 1201, 1, 0.0), numbers(width * 1201, 2, 0.0));
        let gamma = numbers(width, 3, 1.0);
        let norm = Norm {
            gamma: &gamma,
            beta: Some(&gamma),
            epsilon: 1e-5,
        };
        on_threads(|| {
            let mut output = vec![0.0; a.len()];
            layer_norm(&a, norm, &mut output);
            let mut second = vec![0.0; a.len()];
            add_layer_norm(&a, &b, norm, None, &mut second);
            output.extend_from_slice(&second);
            let mut sum = vec![0.0; a.len()];
            add_layer_norm(&a, &b, norm, Some(&mut sum), &mut second);
            output.extend(second.iter().chain(&sum));
            rms_norm(&a, &gamma, 1e-5, &mut second);
            output.extend(second);
            output
        });
    }

    #[test]
    fn no_rows_and_no_columns() {
        let norm = Norm {
            gamma: &[],
            beta: None,
            epsilon: 1e-5,
        };
        layer_norm(&[], norm, &mut []);
        layer_norm(
            &[],
            Norm {
                gamma: &[1.0],
                ..norm
            },
            &mut [],
        );
        rms_norm(&[], &[], 1e-5, &mut []);
    }

    #[test]
    #[should_panic(expected = "5 values are no rows of 2")]
    fn rows_are_checked() {
        let norm = Norm {
            gamma: &[1.0; 2],
            beta: None,
            epsilon: 1e-5,
        };
        layer_norm(&[0.0; 5], norm, &mut [0.0; 5]);
    }
}
