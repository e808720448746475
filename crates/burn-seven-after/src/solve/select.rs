//! The weights with the highest scores, within a layer, an output, or M in a row.

use burn_seven_core::Sparsity;

use super::Columns;
use crate::Pattern;

/// Which entries stay. Of equal scores those go first that come first, output by output.
pub(super) fn keep(scores: &Columns, pattern: Pattern, sparsity: Sparsity) -> Vec<Vec<bool>> {
    if !pattern.is_within_output() {
        let all: Vec<f64> = scores.iter().flatten().copied().collect();
        let kept = highest(&all, sparsity.kept(all.len()));
        let mut kept = kept.into_iter();
        return scores
            .iter()
            .map(|column| kept.by_ref().take(column.len()).collect())
            .collect();
    }
    scores
        .iter()
        .map(|column| within(column, pattern, sparsity))
        .collect()
}

/// Which entries of one output stay.
pub(super) fn within(scores: &[f64], pattern: Pattern, sparsity: Sparsity) -> Vec<bool> {
    match pattern {
        Pattern::NOfM { kept, of } => scores
            .chunks(of)
            .flat_map(|group| match group.len() == of {
                true => highest(group, kept),
                false => vec![true; group.len()],
            })
            .collect(),
        Pattern::Layer | Pattern::Output => highest(scores, sparsity.kept(scores.len()).max(1)),
    }
}

/// The `count` highest of these.
pub(super) fn highest(scores: &[f64], count: usize) -> Vec<bool> {
    let mut kept = vec![true; scores.len()];
    let goes = scores.len() - count.min(scores.len());
    if goes == 0 {
        return kept;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let lower = |a: &usize, b: &usize| scores[*a].total_cmp(&scores[*b]).then(a.cmp(b));
    order.select_nth_unstable_by(goes - 1, lower);
    for &gone in &order[..goes] {
        kept[gone] = false;
    }
    kept
}
