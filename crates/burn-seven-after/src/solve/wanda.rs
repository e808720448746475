//! `|w_ij| · ‖x_i‖₂` (arXiv 2306.11695, equation 1).

use super::Columns;
use crate::moments::Moments;

pub(super) fn scores(columns: &Columns, moments: &Moments) -> Columns {
    let inputs = 0..moments.products.nrows();
    let norms: Vec<f64> = inputs
        .map(|input| moments.products[(input, input)].sqrt())
        .collect();
    let column = |column: &Vec<f64>| {
        let pairs = column.iter().zip(&norms);
        pairs.map(|(entry, norm)| entry.abs() * norm).collect()
    };
    columns.iter().map(column).collect()
}
