//! Wide layers sparser than narrow ones.

use super::{Budget, Goal, Part, Pool};

/// Erdős-Rényi(-Kernel): the density of a weight tensor is proportional to the sum of its
/// dimensions over their product, so that wide layers are pruned more than narrow ones.
///
/// Parts whose share would pass 1 stay dense and the others share what is left. The total is
/// exactly `floor(density · N)`. See
/// [Rigging the Lottery: Making All Tickets Winners](https://arxiv.org/abs/1911.11134), section 3.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErkBudget;

impl Budget for ErkBudget {
    fn name(&self) -> String {
        "erk".to_string()
    }

    fn allocate(&self, goal: Goal, parts: &[Part<'_>]) -> Vec<Pool> {
        let total: usize = parts.iter().map(Part::count).sum();
        let candidates: usize = parts.iter().map(|part| part.candidates).sum();
        let keep = goal.sparsity.kept(total).min(candidates);
        let ideal = ideal_counts(keep, parts);
        let keeps = round_to(keep, &ideal, parts);
        let pool = |(index, keep)| Pool {
            parts: vec![index],
            keep,
        };
        keeps.into_iter().enumerate().map(pool).collect()
    }
}

/// The count of each part before rounding: proportional to the sum of its dimensions (its count
/// times the Erdős-Rényi density), capped at its candidates.
fn ideal_counts(keep: usize, parts: &[Part<'_>]) -> Vec<f64> {
    let weight = |part: &Part<'_>| dims(part) as f64;
    let mut full = vec![false; parts.len()];
    loop {
        let open = || {
            parts
                .iter()
                .zip(&full)
                .filter(|(_, full)| !**full)
                .map(|(part, _)| part)
        };
        let closed: usize = parts
            .iter()
            .zip(&full)
            .filter(|(_, full)| **full)
            .map(|(part, _)| part.candidates)
            .sum();
        let scale = keep.saturating_sub(closed) as f64 / open().map(weight).sum::<f64>().max(1.0);
        let count = |part: &Part<'_>, full: bool| match full {
            true => part.candidates as f64,
            false => scale * weight(part),
        };
        let overfull: Vec<usize> = (0..parts.len())
            .filter(|&i| !full[i] && count(&parts[i], false) > parts[i].candidates as f64)
            .collect();
        if overfull.is_empty() {
            return parts
                .iter()
                .zip(&full)
                .map(|(part, &full)| count(part, full))
                .collect();
        }
        for index in overfull {
            full[index] = true;
        }
    }
}

/// The sum of all dimensions of all its weights.
fn dims(part: &Part<'_>) -> usize {
    part.shapes.iter().flat_map(|shape| shape.iter()).sum()
}

/// Whole numbers near `ideal` that sum to `keep`: floors, then one more for the largest remainders
/// (the first on a tie) that have room.
fn round_to(keep: usize, ideal: &[f64], parts: &[Part<'_>]) -> Vec<usize> {
    let mut keeps: Vec<usize> = ideal
        .iter()
        .zip(parts)
        .map(|(ideal, part)| (*ideal as usize).min(part.candidates))
        .collect();
    let mut order: Vec<usize> = (0..ideal.len()).collect();
    order.sort_by(|&a, &b| {
        ideal[b]
            .fract()
            .total_cmp(&ideal[a].fract())
            .then(a.cmp(&b))
    });
    let mut left = keep.saturating_sub(keeps.iter().sum());
    while left > 0 {
        let before = left;
        for &index in &order {
            if left > 0 && keeps[index] < parts[index].candidates {
                keeps[index] += 1;
                left -= 1;
            }
        }
        if left == before {
            break; // no part has room; `keep` is at most the candidates, so this is unreachable
        }
    }
    keeps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sparsity;
    use proptest::prelude::*;

    fn keeps(sparsity: f64, shapes: &[Vec<usize>]) -> Vec<usize> {
        let parts: Vec<Part> = shapes
            .iter()
            .map(|shape| Part {
                paths: vec!["w"],
                fixed: false,
                shapes: vec![shape.as_slice()],
                candidates: shape.iter().product(),
            })
            .collect();
        let pools = ErkBudget.allocate(Sparsity::new(sparsity).unwrap().into(), &parts);
        pools.iter().map(|pool| pool.keep).collect()
    }

    // 10x10 and 40x10: counts 100 and 400, weights 20 and 50. Half is 250 of 500: shares
    // 250·20/70 = 71.4 and 250·50/70 = 178.6, floors 71 + 178 = 249, the remainder .6 gets the last.
    #[test]
    fn counts_follow_the_sums_of_dimensions() {
        assert_eq!(keeps(0.5, &[vec![10, 10], vec![40, 10]]), [71, 179]);
    }

    // 2x2 and 100x100: 1,000 of 10,004 stay; the small part's share 1000·4/204 = 19.6 passes its
    // 4 entries, so it stays dense and the large one gets the other 996.
    #[test]
    fn a_layer_that_would_pass_its_size_stays_dense() {
        assert_eq!(keeps(0.9, &[vec![2, 2], vec![100, 100]]), [4, 996]);
    }

    proptest! {
        #[test]
        fn the_total_is_exact(
            shapes in prop::collection::vec(prop::collection::vec(1usize..20, 2..4), 1..6),
            sparsity in 0.0f64..0.999,
        ) {
            let total: usize = shapes.iter().map(|shape| shape.iter().product::<usize>()).sum();
            let keeps = keeps(sparsity, &shapes);
            prop_assert_eq!(keeps.iter().sum::<usize>(), Sparsity::new(sparsity).unwrap().kept(total));
        }
    }
}
