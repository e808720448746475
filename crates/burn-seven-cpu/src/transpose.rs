//! Copying a matrix that lies column by column into rows.

use rayon::prelude::*;

use crate::simd::dispatch;

/// Rows of a band, which one thread copies: whole cache lines of every column.
const BAND: usize = 32;

/// Rows and columns of a tile that is transposed in registers.
const TILE: usize = 8;

/// The values of a matrix of `rows` rows, given column by column, row by row.
///
/// # Panics
///
/// When `rows` does not divide the number of values.
pub fn to_rows(columns: &[f32], rows: usize) -> Vec<f32> {
    if columns.is_empty() {
        return Vec::new();
    }
    assert!(columns.len().is_multiple_of(rows), "columns of {rows} rows");
    let width = columns.len() / rows;
    let mut values = vec![0.0; columns.len()];
    let bands = values.par_chunks_mut(width * BAND).enumerate();
    bands.for_each(|(band, values)| copy_band(columns, rows, band * BAND, values, width));
    values
}

/// Copies the rows from `top` on that `values` has room for.
#[inline(always)]
fn body(columns: &[f32], rows: usize, top: usize, values: &mut [f32], width: usize) {
    let height = values.len() / width;
    for left in (0..width).step_by(TILE) {
        for first in (0..height).step_by(TILE) {
            if left + TILE > width || first + TILE > height {
                for row in first..(first + TILE).min(height) {
                    for column in left..(left + TILE).min(width) {
                        values[row * width + column] = columns[column * rows + top + row];
                    }
                }
                continue;
            }
            let mut tile = [[0.0f32; TILE]; TILE];
            for (column, tile) in tile.iter_mut().enumerate() {
                let start = (left + column) * rows + top + first;
                tile.copy_from_slice(&columns[start..start + TILE]);
            }
            let transposed: [[f32; TILE]; TILE] =
                std::array::from_fn(|row| std::array::from_fn(|column| tile[column][row]));
            for (row, transposed) in transposed.iter().enumerate() {
                let start = (first + row) * width + left;
                values[start..start + TILE].copy_from_slice(transposed);
            }
        }
    }
}

dispatch!(body => fn copy_band(columns: &[f32], rows: usize, top: usize, values: &mut [f32], width: usize));

#[cfg(test)]
mod tests {
    use super::to_rows;
    use proptest::prelude::*;

    // [[1, 2, 3], [4, 5, 6]] by columns is 1 4 2 5 3 6.
    #[test]
    fn a_small_matrix() {
        let columns = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
        assert_eq!(to_rows(&columns, 2), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!(to_rows(&[], 0).is_empty());
    }

    proptest! {
        #[test]
        fn every_entry_is_where_it_should_be(rows in 1usize..100, width in 1usize..100) {
            let columns: Vec<f32> = (0..rows * width).map(|index| index as f32).collect();
            let values = to_rows(&columns, rows);
            for (index, value) in values.into_iter().enumerate() {
                let (row, column) = (index / width, index % width);
                prop_assert_eq!(value, (column * rows + row) as f32);
            }
        }
    }
}
