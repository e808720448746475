//! Turning rows of activations into panels and panels of outputs into rows.

use super::shared::Rows;
use super::split::Part;
use super::turn::{TILE, Turn};

/// Rows and columns of the tiles that are turned one after the other: whole cache lines of both
/// sides, each read and written while it is near.
const GROUP: usize = 2 * TILE;

/// The top left corners of a group's tiles, row by row.
const TILES: [(usize, usize); 4] = [(0, 0), (0, TILE), (TILE, 0), (TILE, TILE)];

/// Writes the panel of a part: for each input the values of all its rows, then zeros once more.
///
/// `panel` holds `(inputs + 1) * part.width` values.
#[inline(always)]
pub fn gather<T: Turn>(input: &[f32], inputs: usize, part: Part, panel: &mut [f32]) {
    let width = part.width;
    let rows = &input[part.first * inputs..][..part.rows * inputs];
    panel[inputs * width..].fill(0.0);
    if width == 1 {
        panel[..inputs].copy_from_slice(rows);
        return;
    }
    // Closures would not be compiled for the vector unit of the function that they end up in.
    for top in (0..width).step_by(GROUP) {
        for left in (0..inputs).step_by(GROUP) {
            for (down, right) in TILES {
                let (top, left) = (top + down, left + right);
                if top < width && left < inputs {
                    gather_tile::<T>(rows, inputs, (top, left), part, panel);
                }
            }
        }
    }
}

#[inline(always)]
#[allow(unsafe_code)]
fn gather_tile<T: Turn>(
    rows: &[f32],
    inputs: usize,
    (top, left): (usize, usize),
    part: Part,
    panel: &mut [f32],
) {
    let height = part.rows.saturating_sub(top).min(TILE);
    let across = TILE.min(inputs - left);
    if height == TILE && across == TILE {
        let (from, to) = (top * inputs + left, left * part.width + top);
        assert!(from + (TILE - 1) * inputs + TILE <= rows.len());
        assert!(to + (TILE - 1) * part.width + TILE <= panel.len());
        // SAFETY: the last value of the last row is inside on both sides, as just asserted; the
        // instructions are those of the function that this is compiled into.
        unsafe {
            let (from, to) = (rows.as_ptr().add(from), panel.as_mut_ptr().add(to));
            T::turn(from, inputs, to, part.width);
        }
        return;
    }
    for column in left..left + across {
        let values = &mut panel[column * part.width + top..][..TILE];
        for (row, value) in values.iter_mut().enumerate() {
            *value = match row < height {
                true => rows[(top + row) * inputs + column],
                false => 0.0,
            };
        }
    }
}

/// Writes the rows of a part, from a panel of `count` outputs from `first` on.
#[inline(always)]
pub fn scatter<T: Turn>(panel: &[f32], part: Part, first: usize, count: usize, rows: &Rows<'_>) {
    if part.width == 1 {
        rows.write(part.first, first, &panel[..count]);
        return;
    }
    // Along the rows: a few rows that are a power of two apart fill a set of the cache.
    for top in (0..part.rows).step_by(TILE) {
        for left in (0..count).step_by(TILE) {
            scatter_tile::<T>(panel, part, (top, left), first, count, rows);
        }
    }
}

#[inline(always)]
#[allow(unsafe_code)]
fn scatter_tile<T: Turn>(
    panel: &[f32],
    part: Part,
    (top, left): (usize, usize),
    first: usize,
    count: usize,
    rows: &Rows<'_>,
) {
    let height = TILE.min(part.rows - top);
    let across = TILE.min(count - left);
    if height == TILE && across == TILE {
        let from = left * part.width + top;
        assert!(from + (TILE - 1) * part.width + TILE <= panel.len());
        let (to, stride) = rows.tile(part.first + top, first + left, TILE);
        // SAFETY: the last value of the last row is inside, as just asserted, and `tile` has looked
        // after the other side; the instructions are those of the function that this is compiled
        // into.
        unsafe { T::turn(panel.as_ptr().add(from), part.width, to, stride) };
        return;
    }
    for row in top..top + height {
        let mut values = [0.0; TILE];
        for (column, value) in values[..across].iter_mut().enumerate() {
            *value = panel[(left + column) * part.width + row];
        }
        rows.write(part.first + row, first + left, &values[..across]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::split::split;
    use crate::sparse::turn::Plain;
    use proptest::prelude::*;

    // Two rows of three inputs in a panel of eight: pairs, six zeros after each, then zeros.
    #[test]
    fn a_small_panel() {
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let part = Part {
            first: 0,
            rows: 2,
            width: 8,
        };
        let mut panel = [9.0; 32];
        gather::<Plain>(&input, 3, part, &mut panel);
        assert_eq!(panel[..3], [1.0, 4.0, 0.0]);
        assert_eq!(panel[8..11], [2.0, 5.0, 0.0]);
        assert_eq!(panel[16..19], [3.0, 6.0, 0.0]);
        assert_eq!(panel[24..], [0.0; 8]);
    }

    proptest! {
        #[test]
        #[allow(unsafe_code)]
        fn scattering_gathered_rows_gives_them_back(
            rows in 1usize..100, inputs in 1usize..40, widest in 0usize..5,
        ) {
            let input: Vec<f32> = (0..rows * inputs).map(|index| index as f32).collect();
            let mut output = Vec::new();
            let shared = Rows::new(&mut output, rows, inputs);
            for part in split(rows, crate::sparse::split::WIDTHS[widest]) {
                let mut panel = vec![f32::NAN; (inputs + 1) * part.width];
                gather::<Plain>(&input, inputs, part, &mut panel);
                prop_assert!(panel.iter().all(|value| value.is_finite()));
                scatter::<Plain>(&panel, part, 0, inputs, &shared);
            }
            // SAFETY: the parts cover all rows.
            unsafe { shared.finish() };
            prop_assert_eq!(output, input);
        }
    }
}
