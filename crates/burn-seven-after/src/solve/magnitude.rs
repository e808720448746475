//! `|w|`.

use super::Columns;

pub(super) fn scores(columns: &Columns) -> Columns {
    let column = |column: &Vec<f64>| column.iter().map(|entry| entry.abs()).collect();
    columns.iter().map(column).collect()
}
