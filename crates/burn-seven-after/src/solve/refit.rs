//! The least-squares optimum for a mask: `w_S = H_SS⁻¹ (H w)_S`, output by output.

use faer::Mat;
use rayon::prelude::*;

use super::Columns;
use super::factor::{Factor, damped};
use crate::AfterError;
use crate::moments::Moments;

/// The weights that stay, fitted to the outputs of the whole layer, and the most that was added to a
/// diagonal. What is added on the left is added on the right as well, so a layer that keeps all of its
/// weights keeps them as they are.
pub(super) fn solve(
    columns: &Columns,
    kept: &[Vec<bool>],
    moments: &Moments,
    damping: f64,
    path: &str,
) -> Result<(Columns, f64), AfterError> {
    let outputs = columns.par_iter().zip(kept).map(|(column, kept)| {
        let stays: Vec<usize> = (0..column.len()).filter(|&input| kept[input]).collect();
        let factor = |added: f64| {
            let second =
                |a: usize, b: usize| moments.products[(a, b)] + if a == b { added } else { 0.0 };
            let matrix = Mat::from_fn(stays.len(), stays.len(), |row, other| {
                second(stays[row], stays[other])
            });
            let mut right = Mat::from_fn(stays.len(), 1, |row, _| {
                let inputs = column.iter().enumerate();
                inputs
                    .map(|(input, entry)| second(stays[row], input) * entry)
                    .sum::<f64>()
            });
            Factor::of(matrix)?.solve(&mut right);
            Some(right)
        };
        let (fit, damping) = damped(moments, damping, path, factor)?;
        let mut fitted = vec![0.0; column.len()];
        for (row, &input) in stays.iter().enumerate() {
            fitted[input] = fit[(row, 0)];
        }
        Ok((fitted, damping))
    });
    let all: Result<Vec<_>, AfterError> = outputs.collect();
    let all = all?;
    let damping = all.iter().map(|(_, damping)| *damping).fold(0.0, f64::max);
    Ok((all.into_iter().map(|(fitted, _)| fitted).collect(), damping))
}
