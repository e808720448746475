//! Turning rows of activations into panels and panels of outputs into rows.

use super::shared::{Place, Rows};
use super::split::Part;
use super::turn::{TILE, Turn};

/// Writes the panel of a part: for each input the values of all its rows, then zeros once more.
///
/// # Panics
///
/// When `panel` does not hold `(inputs + 1) * part.width` values, or `input` not the part's rows.
///
/// # Safety
///
/// The processor should have the instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
pub unsafe fn gather<T: Turn>(input: &[f32], inputs: usize, part: Part, panel: &mut [f32]) {
    let Part { rows, width, .. } = part;
    let input = &input[part.first * inputs..][..rows * inputs];
    assert_eq!(panel.len(), (inputs + 1) * width, "values of the panel");
    panel[inputs * width..].fill(0.0);
    if width == 1 {
        panel[..inputs].copy_from_slice(input);
        return;
    }
    // SAFETY: the input has these rows and the panel room for them, as just asserted.
    let whole_rows = unsafe {
        let done = gather_tiles::<T>(input, inputs, 0, rows, width, panel);
        gather_tiles::<T::Smaller>(input, inputs, done, rows, width, panel)
    };
    for row in 0..width {
        let done = match row < whole_rows {
            true => inputs - inputs % TILE,
            false => 0,
        };
        for column in done..inputs {
            panel[column * width + row] = match row < rows {
                true => input[row * inputs + column],
                false => 0.0,
            };
        }
    }
}

/// Turns whole tiles of the rows from `first` to `rows`, and says where it stopped.
///
/// # Safety
///
/// The input should have `rows` rows, the panel room for them, and the processor have the
/// instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn gather_tiles<T: Turn>(
    input: &[f32],
    inputs: usize,
    first: usize,
    rows: usize,
    width: usize,
    panel: &mut [f32],
) -> usize {
    let end = rows - (rows - first) % T::ROWS;
    // Closures would not be compiled for the vector unit of the function that they end up in.
    for top in (first..end).step_by(T::ROWS) {
        for left in (0..inputs - inputs % TILE).step_by(TILE) {
            debug_assert!((top + T::ROWS) * inputs <= input.len() && left + TILE <= inputs);
            debug_assert!((left + TILE) * width <= panel.len() && top + T::ROWS <= width);
            // SAFETY: the tile is inside of the rows and of the panel.
            unsafe {
                let from = input.as_ptr().add(top * inputs + left);
                let to = panel.as_mut_ptr().add(left * width + top);
                T::turn(from, inputs, to, width);
            }
        }
    }
    end
}

/// Writes the rows of a part, from a panel of `count` outputs from `first` on.
///
/// # Panics
///
/// When the panel does not hold so many outputs, or they do not fit into the rows.
///
/// # Safety
///
/// No one else should write these places of the rows at the same time, and the processor have the
/// instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
pub unsafe fn scatter<T: Turn>(
    panel: &[f32],
    part: Part,
    first: usize,
    count: usize,
    rows: &Rows<'_>,
) {
    let width = part.width;
    let panel = &panel[..count * width];
    // SAFETY: no one else writes there, as the caller says.
    let to = unsafe { rows.place(part.first, first, part.rows, count) };
    if width == 1 {
        to.write(0, 0, panel);
        return;
    }
    let whole_rows = part.rows - part.rows % TILE;
    // SAFETY: the panel has `count` outputs, and the place as many columns.
    let whole_outputs = unsafe {
        let done = scatter_tiles::<T>(panel, width, whole_rows, 0, count, &to);
        scatter_tiles::<T::Smaller>(panel, width, whole_rows, done, count, &to)
    };
    for row in 0..part.rows {
        let done = if row < whole_rows { whole_outputs } else { 0 };
        for column in done..count {
            to.write(row, column, &panel[column * width + row..][..1]);
        }
    }
}

/// Turns whole tiles of the outputs from `first` to `count`, and says where it stopped.
///
/// # Safety
///
/// The panel should have `count` outputs, the place room for them in `rows` rows, and the
/// processor have the instructions of `T`.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn scatter_tiles<T: Turn>(
    panel: &[f32],
    width: usize,
    rows: usize,
    first: usize,
    count: usize,
    to: &Place<'_>,
) -> usize {
    let end = count - (count - first) % T::ROWS;
    // Along the rows: a few rows that are a power of two apart fill a set of the cache.
    for top in (0..rows).step_by(TILE) {
        for left in (first..end).step_by(T::ROWS) {
            debug_assert!((left + T::ROWS) * width <= panel.len() && top + TILE <= width);
            // SAFETY: the tile is inside of the panel and of the place.
            unsafe {
                let from = panel.as_ptr().add(left * width + top);
                T::turn(from, width, to.at(top, left), to.stride());
            }
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::split::split;
    use crate::sparse::turn::Plain;
    use proptest::prelude::*;

    // Two rows of three inputs in a panel of eight: pairs, six zeros after each, then zeros.
    #[test]
    #[allow(unsafe_code)]
    fn a_small_panel() {
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let part = Part {
            first: 0,
            rows: 2,
            width: 8,
        };
        let mut panel = [9.0; 32];
        // SAFETY: these take no instructions that may be missing.
        unsafe { gather::<Plain>(&input, 3, part, &mut panel) };
        assert_eq!(panel[..3], [1.0, 4.0, 0.0]);
        assert_eq!(panel[8..11], [2.0, 5.0, 0.0]);
        assert_eq!(panel[16..19], [3.0, 6.0, 0.0]);
        assert_eq!(panel[24..], [0.0; 8]);
    }

    proptest! {
        #[test]
        #[allow(unsafe_code)]
        fn scattering_gathered_rows_gives_them_back(
            rows in 1usize..200, inputs in 1usize..40,
        ) {
            let input: Vec<f32> = (0..rows * inputs).map(|index| index as f32).collect();
            let mut output = Vec::new();
            let shared = Rows::new(&mut output, rows, inputs);
            for part in split(rows) {
                let mut panel = vec![f32::NAN; (inputs + 1) * part.width];
                // SAFETY: these take no instructions that may be missing, and one thread writes.
                unsafe { gather::<Plain>(&input, inputs, part, &mut panel) };
                prop_assert!(panel.iter().all(|value| value.is_finite()));
                // SAFETY: as above.
                unsafe { scatter::<Plain>(&panel, part, 0, inputs, &shared) };
            }
            // SAFETY: the parts cover all rows.
            unsafe { shared.finish() };
            prop_assert_eq!(output, input);
        }
    }
}
