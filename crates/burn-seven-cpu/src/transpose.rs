//! Copying a matrix that lies column by column into rows.

use rayon::prelude::*;

/// Rows and columns of a tile. It is read column by column and turned in the first cache: the
/// same rows of neighbouring columns often fall on the same lines of it.
const TILE: usize = 32;

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
    let bands = values.par_chunks_mut(width * TILE).enumerate();
    bands.for_each(|(band, values)| {
        let (top, height) = (band * TILE, values.len() / width);
        let mut tile = [[0.0f32; TILE]; TILE];
        for left in (0..width).step_by(TILE) {
            let right = (left + TILE).min(width);
            for column in left..right {
                let start = column * rows + top;
                let from = &columns[start..start + height];
                for (row, value) in tile.iter_mut().zip(from) {
                    row[column - left] = *value;
                }
            }
            for (row, tile) in values.chunks_mut(width).zip(&tile) {
                row[left..right].copy_from_slice(&tile[..right - left]);
            }
        }
    });
    values
}

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
