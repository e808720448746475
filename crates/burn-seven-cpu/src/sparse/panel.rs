//! Transposing rows of activations into panels and panels of outputs into rows.

use std::ops::Range;

use super::shared::Place;
use super::split::Part;
use super::tile::{Strip, TILE, Transpose};

/// Rows of activations, `inputs` values each.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Row after row.
    pub values: &'a [f32],
    /// Values of a row.
    pub inputs: usize,
}

/// Writes the panel of a part for some of its columns: for each the values of all its rows, then
/// zeros once more.
///
/// # Panics
///
/// When `panel` does not hold `(columns.len() + 1) * part.width` values, or the input not the
/// part's rows and columns.
///
/// # Safety
///
/// The processor should have the instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
pub unsafe fn gather<T: Transpose>(
    input: Input<'_>,
    part: Part,
    columns: Range<usize>,
    panel: &mut [f32],
) {
    let Part { rows, width, .. } = part;
    let Input { values, inputs } = input;
    assert!(columns.start <= columns.end && columns.end <= inputs);
    let count = columns.len();
    assert_eq!(panel.len(), (count + 1) * width, "values of the panel");
    let values = &values[part.first * inputs..][..rows * inputs];
    panel[count * width..].fill(0.0);
    if width == 1 {
        panel[..count].copy_from_slice(&values[columns]);
        return;
    }
    // SAFETY: the input has these rows and columns and the panel room for them, as just asserted.
    let whole_rows = unsafe {
        let done = gather_tiles::<T>(values, inputs, &columns, 0, rows, width, panel);
        gather_tiles::<T::Smaller>(values, inputs, &columns, done, rows, width, panel)
    };
    for row in 0..width {
        let done = match row < whole_rows {
            true => count - count % TILE,
            false => 0,
        };
        for column in done..count {
            panel[column * width + row] = match row < rows {
                true => values[row * inputs + columns.start + column],
                false => 0.0,
            };
        }
    }
}

/// Transposes whole tiles of the rows from `first` to `rows`, and says where it stopped.
///
/// # Safety
///
/// The values should have `rows` rows of `inputs` with these columns, the panel room for them, and
/// the processor have the instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn gather_tiles<T: Transpose>(
    values: &[f32],
    inputs: usize,
    columns: &Range<usize>,
    first: usize,
    rows: usize,
    width: usize,
    panel: &mut [f32],
) -> usize {
    let end = rows - (rows - first) % T::ROWS;
    let count = columns.len();
    for top in (first..end).step_by(T::ROWS) {
        debug_assert!((top + T::ROWS) * inputs <= values.len() && columns.end <= inputs);
        debug_assert!(count * width <= panel.len() && top + T::ROWS <= width);
        // SAFETY: the tiles are inside of the rows and columns and of the panel.
        unsafe {
            T::transpose(Strip {
                from: values.as_ptr().add(top * inputs + columns.start),
                from_stride: inputs,
                from_step: TILE,
                to: panel.as_mut_ptr().add(top),
                to_stride: width,
                to_step: TILE * width,
                tiles: count / TILE,
            });
        }
    }
    end
}

/// Writes a panel of outputs, `width` rows wide, to the rows and columns of `to`.
///
/// # Panics
///
/// When the panel does not hold so many outputs and rows.
///
/// # Safety
///
/// The processor should have the instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
pub unsafe fn scatter<T: Transpose>(panel: &[f32], width: usize, to: &Place<'_>) {
    let (rows, count) = (to.height(), to.width());
    assert!(rows <= width, "rows of the panel");
    let panel = &panel[..count * width];
    if width == 1 {
        to.write(0, 0, panel);
        return;
    }
    let whole_rows = rows - rows % TILE;
    // SAFETY: the panel has `count` outputs, and the place as many columns.
    let whole_outputs = unsafe {
        let done = scatter_tiles::<T>(panel, width, whole_rows, 0, count, to);
        scatter_tiles::<T::Smaller>(panel, width, whole_rows, done, count, to)
    };
    for row in 0..rows {
        let done = if row < whole_rows { whole_outputs } else { 0 };
        for column in done..count {
            to.write(row, column, &panel[column * width + row..][..1]);
        }
    }
}

/// Transposes whole tiles of the outputs from `first` to `count`, and says where it stopped.
///
/// The first and the last tile may share outputs with their neighbours, so that the others are
/// written to aligned places.
///
/// # Safety
///
/// The panel should have `count` outputs, the place room for them in `rows` rows, and the
/// processor have the instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn scatter_tiles<T: Transpose>(
    panel: &[f32],
    width: usize,
    rows: usize,
    first: usize,
    count: usize,
    to: &Place<'_>,
) -> usize {
    debug_assert!(count * width <= panel.len() && rows <= width);
    if count - first < T::ROWS {
        return first;
    }
    let aligned = to.until_aligned(first, T::ROWS);
    // Along the rows: a few rows that are a power of two apart fill a set of the cache.
    for top in (0..rows).step_by(TILE) {
        let strip = |left: usize, tiles: usize| {
            debug_assert!(left + tiles * T::ROWS <= count);
            // SAFETY: the tiles are inside of the panel and of the place.
            unsafe {
                T::transpose(Strip {
                    from: panel.as_ptr().add(left * width + top),
                    from_stride: width,
                    from_step: T::ROWS * width,
                    to: to.at(top, left),
                    to_stride: to.stride(),
                    to_step: T::ROWS,
                    tiles,
                });
            }
        };
        strip(first, 1);
        let aligned = first + aligned;
        strip(aligned, (count - aligned) / T::ROWS);
        strip(count - T::ROWS, 1);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::shared::Rows;
    use crate::sparse::split::split;
    use crate::sparse::tile::Plain;
    use proptest::prelude::*;

    // Two rows of three inputs in a panel of eight: pairs, six zeros after each, then zeros.
    #[test]
    #[allow(unsafe_code)]
    fn a_small_panel() {
        let input = Input {
            values: &[9.0, 1.0, 2.0, 3.0, 9.0, 4.0, 5.0, 6.0],
            inputs: 4,
        };
        let part = Part {
            first: 0,
            rows: 2,
            width: 8,
        };
        let mut panel = [9.0; 32];
        // SAFETY: these take no instructions that may be missing.
        unsafe { gather::<Plain>(input, part, 1..4, &mut panel) };
        assert_eq!(panel[..3], [1.0, 4.0, 0.0]);
        assert_eq!(panel[8..11], [2.0, 5.0, 0.0]);
        assert_eq!(panel[16..19], [3.0, 6.0, 0.0]);
        assert_eq!(panel[24..], [0.0; 8]);
    }

    proptest! {
        #[test]
        #[allow(unsafe_code)]
        fn scattering_gathered_rows_gives_them_back(
            rows in 1usize..200, inputs in 1usize..40, cut in 0.0f64..1.0,
        ) {
            let values: Vec<f32> = (0..rows * inputs).map(|index| index as f32).collect();
            let input = Input { values: &values, inputs };
            let cut = (cut * inputs as f64) as usize;
            let mut output = Vec::new();
            let shared = Rows::new(&mut output, rows, inputs);
            for part in split(rows, 64, 1) {
                for columns in [0..cut, cut..inputs] {
                    let (first, count) = (columns.start, columns.len());
                    let mut panel = vec![f32::NAN; (count + 1) * part.width];
                    // SAFETY: these take no instructions that may be missing, and one thread writes.
                    unsafe { gather::<Plain>(input, part, columns, &mut panel) };
                    prop_assert!(panel.iter().all(|value| value.is_finite()));
                    // SAFETY: as above.
                    unsafe {
                        let place = shared.place(part.first, first, part.rows, count);
                        scatter::<Plain>(&panel, part.width, &place);
                    }
                }
            }
            // SAFETY: the parts cover all rows.
            unsafe { shared.finish() };
            prop_assert_eq!(output, values);
        }
    }
}
