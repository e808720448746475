//! Optimal brain surgery input by input (arXiv 2301.00774, algorithm 1).

use burn_seven_core::Sparsity;
use rayon::prelude::*;

use super::Columns;
use super::select::{keep, within};
use crate::Pattern;

/// `factor` are the rows of the upper triangular `U` with `H⁻¹ = Uᵀ U`.
pub(super) fn solve(
    columns: &Columns,
    factor: &[Vec<f64>],
    block: usize,
    pattern: Pattern,
    sparsity: Sparsity,
) -> (Columns, Vec<Vec<bool>>) {
    let inputs = factor.len();
    let mut columns = columns.clone();
    let mut kept: Vec<Vec<bool>> = vec![Vec::with_capacity(inputs); columns.len()];
    let mut start = 0;
    while start < inputs {
        let end = (start + block).min(inputs);
        let score = |entry: f64, input: usize| {
            let root = entry / factor[input][input];
            root * root
        };
        let scores = |column: &[f64], from: usize, to: usize| -> Vec<f64> {
            (from..to)
                .map(|input| score(column[input], input))
                .collect()
        };
        // N:M is chosen when an input is reached, by the weights as they are by then.
        let chosen: Vec<Option<Vec<bool>>> = match pattern {
            Pattern::Layer => {
                let all = columns.iter().map(|column| scores(column, start, end));
                let kept = keep(&all.collect(), pattern, sparsity);
                kept.into_iter().map(Some).collect()
            }
            Pattern::Output => {
                let column = |column: &Vec<f64>| {
                    Some(within(&scores(column, start, end), pattern, sparsity))
                };
                columns.iter().map(column).collect()
            }
            Pattern::NOfM { .. } => vec![None; columns.len()],
        };
        let outputs = columns.par_iter_mut().zip(&mut kept).zip(chosen);
        outputs.for_each(|((column, kept), chosen)| {
            let mut errors = vec![0.0; end - start];
            for input in start..end {
                if let (Pattern::NOfM { of, .. }, true) = (pattern, kept.len() == input) {
                    let group = scores(column, input, (input + of).min(inputs));
                    kept.extend(within(&group, pattern, sparsity));
                }
                let stays = match &chosen {
                    Some(chosen) => chosen[input - start],
                    None => kept[input],
                };
                if stays {
                    continue;
                }
                let row = &factor[input];
                let error = column[input] / row[input];
                errors[input - start] = error;
                subtract(&mut column[input..end], error, &row[input..end]);
                column[input] = 0.0;
            }
            for (input, &error) in (start..end)
                .zip(&errors)
                .filter(|(_, error)| **error != 0.0)
            {
                subtract(&mut column[end..], error, &factor[input][end..]);
            }
            kept.extend(chosen.into_iter().flatten());
        });
        start = end;
    }
    (columns, kept)
}

fn subtract(entries: &mut [f64], times: f64, others: &[f64]) {
    let pairs = entries.iter_mut().zip(others);
    pairs.for_each(|(entry, other)| *entry -= times * other);
}
