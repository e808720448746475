//! Pooling over the planes of images.

use rayon::prelude::*;

use super::split;
use crate::simd::dispatch;

/// What a value of the input takes for each row of the window, about, in nanoseconds.
const COST: f64 = 0.3;

/// A window that slides over a plane. Pairs are of height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// How far windows of neighbouring outputs are apart.
    pub stride: [usize; 2],
    /// Places before the input, which no window has a value of.
    pub padding: [usize; 2],
    /// How far places of a window are apart.
    pub dilation: [usize; 2],
}

/// Planes of images.
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    /// Plane after plane, row after row.
    pub values: &'a [f32],
    /// Height and width of each.
    pub size: [usize; 2],
}

/// What becomes of a window's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The largest; NaN where one is in it, and negative infinity where there are none.
    Max,
    /// The mean; 0 where there are none.
    Average {
        /// Whether places before and after the input count as zeros; otherwise they do not count.
        padded: bool,
    },
}

/// Folds each window into one value. `output` has as many planes as the input, each of `size`.
///
/// # Panics
///
/// When input and output are not of as many whole planes, or a stride is 0.
pub fn pool(input: Planes<'_>, window: Window, fold: Fold, size: [usize; 2], output: &mut [f32]) {
    let [plane, out] = [input.size, size].map(|[height, width]| height * width);
    assert!(window.stride.iter().all(|stride| *stride > 0), "stride");
    if plane == 0 || out == 0 {
        assert!(input.values.is_empty() || output.is_empty(), "planes");
        return output.fill(f32::NAN);
    }
    let planes = input.values.len() / plane;
    assert_eq!(input.values.len(), planes * plane, "values of the input");
    assert_eq!(output.len(), planes * out, "values of the output");
    let each = split::rows(planes, plane as f64 * window.kernel[0] as f64 * COST);
    if each >= planes {
        return pool_here(input, window, fold, size, output);
    }
    let parts = input.values.par_chunks(each * plane);
    let parts = parts.zip(output.par_chunks_mut(each * out));
    parts.for_each(|(values, output)| {
        pool_here(Planes { values, ..input }, window, fold, size, output);
    });
}

dispatch!(folded => fn pool_here(input: Planes<'_>, window: Window, fold: Fold, size: [usize; 2], output: &mut [f32]));

#[inline(always)]
fn folded(input: Planes<'_>, window: Window, fold: Fold, size: [usize; 2], output: &mut [f32]) {
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    match fold {
        Fold::Max => each_window(input, window, size, output, f32::NEG_INFINITY, larger),
        Fold::Average { padded } => {
            each_window(input, window, size, output, 0.0, |a, b| a + b);
            divide(input, window, padded, size, output);
        }
    }
}

/// Divides each window's sum by the number of its values.
#[inline(always)]
fn divide(input: Planes<'_>, window: Window, padded: bool, size: [usize; 2], output: &mut [f32]) {
    let counts: [Vec<usize>; 2] = [0, 1].map(|axis| {
        let count = |out| match padded {
            true => window.kernel[axis],
            false => taps(window, axis, input.size[axis], out).len(),
        };
        (0..size[axis]).map(count).collect()
    });
    for plane in output.chunks_exact_mut(size[0] * size[1]) {
        for (row, height) in plane.chunks_exact_mut(size[1]).zip(&counts[0]) {
            for (value, width) in row.iter_mut().zip(&counts[1]) {
                *value /= (height * width).max(1) as f32;
            }
        }
    }
}

/// The places of the input, by their distance, that a window reads along an axis.
#[inline(always)]
fn taps(window: Window, axis: usize, input: usize, out: usize) -> std::ops::Range<usize> {
    let (stride, dilation) = (window.stride[axis], window.dilation[axis].max(1));
    let (start, before) = (out * stride, window.padding[axis]);
    // The first with start + tap * dilation >= before, and the first that is behind the input.
    let first = before.saturating_sub(start).div_ceil(dilation);
    let end = (before + input).saturating_sub(start).div_ceil(dilation);
    first..end.min(window.kernel[axis]).max(first)
}

/// Folds each window, first its rows into one and then that row.
#[inline(always)]
fn each_window(
    input: Planes<'_>,
    window: Window,
    size: [usize; 2],
    output: &mut [f32],
    none: f32,
    fold: impl Fn(f32, f32) -> f32,
) {
    let [height, width] = input.size;
    let [rows, columns] = size;
    let mut line = vec![none; width];
    let across: Vec<_> = (0..columns)
        .map(|out| {
            let taps = taps(window, 1, width, out);
            let first = out * window.stride[1] + taps.start * window.dilation[1];
            (first.wrapping_sub(window.padding[1]), taps.len())
        })
        .collect();
    let planes = input.values.chunks_exact(height * width);
    for (plane, output) in planes.zip(output.chunks_exact_mut(rows * columns)) {
        for (out, row) in output.chunks_exact_mut(columns).enumerate() {
            line.fill(none);
            for tap in taps(window, 0, height, out) {
                let from = out * window.stride[0] + tap * window.dilation[0] - window.padding[0];
                let values = &plane[from * width..][..width];
                for (sum, value) in line.iter_mut().zip(values) {
                    *sum = fold(*sum, *value);
                }
            }
            for (value, &(first, taps)) in row.iter_mut().zip(&across) {
                let mut sum = none;
                for tap in 0..taps {
                    sum = fold(sum, line[first + tap * window.dilation[1]]);
                }
                *value = sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAIRS: Window = Window {
        kernel: [2, 2],
        stride: [2, 2],
        padding: [0, 0],
        dilation: [1, 1],
    };

    const PADDED: Fold = Fold::Average { padded: true };

    #[test]
    fn known_values() {
        let values = [1.0, 2.0, 5.0, 0.0, 4.0, 3.0, -1.0, f32::NAN];
        let input = Planes {
            values: &values,
            size: [2, 4],
        };
        let mut output = [0.0; 2];
        pool(input, PAIRS, Fold::Max, [1, 2], &mut output);
        assert_eq!(output[0], 4.0);
        assert!(output[1].is_nan());
        pool(input, PAIRS, PADDED, [1, 2], &mut output);
        assert_eq!(output[0], 2.5);
        // A border of one on all sides: 1, and 1 of 4 places.
        let border = Window {
            padding: [1, 1],
            ..PAIRS
        };
        let mut corner = [0.0; 6];
        pool(input, border, PADDED, [2, 3], &mut corner);
        assert_eq!(corner[0], 0.25);
        pool(
            input,
            border,
            Fold::Average { padded: false },
            [2, 3],
            &mut corner,
        );
        assert_eq!(corner[0], 1.0);
        pool(input, border, Fold::Max, [2, 3], &mut corner);
        assert_eq!(corner[..2], [1.0, 5.0]);
    }

    /// Each window, place by place.
    fn expected(input: Planes<'_>, window: Window, size: [usize; 2]) -> Vec<Vec<f32>> {
        let [height, width] = input.size;
        let mut windows = Vec::new();
        for plane in input.values.chunks_exact(height * width) {
            for out in 0..size[0] * size[1] {
                let (row, column) = (out / size[1], out % size[1]);
                let mut values = Vec::new();
                for y in 0..window.kernel[0] {
                    for x in 0..window.kernel[1] {
                        let place = |at: usize, tap: usize, axis: usize, input: usize| {
                            let place = at * window.stride[axis] + tap * window.dilation[axis];
                            let place = place.checked_sub(window.padding[axis])?;
                            (place < input).then_some(place)
                        };
                        if let (Some(y), Some(x)) =
                            (place(row, y, 0, height), place(column, x, 1, width))
                        {
                            values.push(plane[y * width + x]);
                        }
                    }
                }
                windows.push(values);
            }
        }
        windows
    }

    proptest! {
        #[test]
        fn windows_of_any_form(
            planes in 1usize..5, size in prop::array::uniform2(3usize..20),
            kernel in prop::array::uniform2(1usize..4), stride in prop::array::uniform2(1usize..4),
            padding in prop::array::uniform2(0usize..2), dilation in prop::array::uniform2(1usize..3),
        ) {
            let values: Vec<f32> = (0..planes * size[0] * size[1])
                .map(|place| (place * 7919 % 1009) as f32 / 100.0 - 5.0)
                .collect();
            let window = Window { kernel, stride, padding, dilation };
            let mut out = [0; 2];
            for axis in 0..2 {
                let reach = (kernel[axis] - 1) * dilation[axis];
                let padded = size[axis] + 2 * padding[axis];
                prop_assume!(padded > reach);
                out[axis] = (padded - 1 - reach) / stride[axis] + 1;
            }
            let input = Planes { values: &values, size };
            let windows = expected(input, window, out);
            let mut output = vec![0.0; windows.len()];
            pool(input, window, Fold::Max, out, &mut output);
            for (found, values) in output.iter().zip(&windows) {
                prop_assert_eq!(*found, values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            }
            for padded in [false, true] {
                pool(input, window, Fold::Average { padded }, out, &mut output);
                for (found, values) in output.iter().zip(&windows) {
                    let count = if padded { kernel[0] * kernel[1] } else { values.len() };
                    let mean = values.iter().sum::<f32>() / count.max(1) as f32;
                    prop_assert!((found - mean).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let values: Vec<f32> = (0..64 * 40 * 40).map(|place| (place % 97) as f32).collect();
        split::tests::on_threads(|| {
            let input = Planes {
                values: &values,
                size: [40, 40],
            };
            let mut output = vec![0.0; 64 * 400];
            pool(input, PAIRS, PADDED, [20, 20], &mut output);
            output
        });
    }
}
