//! How many entries of each group stay.

use burn::tensor::{Bool, Int, Tensor};

/// Of every `m` consecutive entries along dimension `dim`, at least `n` stay, and no more at the
/// final sparsity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many stay.
    pub n: usize,
    /// Of how many.
    pub m: usize,
    /// Along which dimension of the weight.
    pub dim: usize,
}

impl Quota {
    /// How many entries of a weight of `count` entries stay at the final sparsity.
    pub(crate) fn kept(self, count: usize) -> usize {
        count / self.m * self.n
    }

    /// The entries that have to stay, shape `[count]`: the best `n` of each group among those that
    /// may stay, which are those not pruned, and with `regrows` all. On equal scores what is kept now
    /// goes first, then the lower index.
    pub(crate) fn reserve(
        self,
        shape: &[usize],
        scores: Tensor<1>,
        pruned: Tensor<1, Bool>,
        regrows: bool,
    ) -> Tensor<1, Bool> {
        let device = scores.device();
        let count = scores.shape().num_elements();
        let inner: usize = shape[self.dim + 1..].iter().product();
        let groups = [count / (self.m * inner), self.m, inner];
        let scores = scores.reshape(groups);
        let pruned = pruned.reshape(groups);
        let places = Tensor::<1, Int>::arange(0..self.m as i64, &device).reshape([1, self.m, 1]);
        // How many of its group go before each entry.
        let mut rank = Tensor::<3, Int>::zeros(groups, &device);
        for place in 0..self.m {
            let one = |flags: &Tensor<3, Bool>| flags.clone().narrow(1, place, 1).expand(groups);
            let score = scores.clone().narrow(1, place, 1).expand(groups);
            let (other_pruned, later) = (one(&pruned), places.clone().greater_scalar(place as i64));
            let sooner = match regrows {
                // Kept before pruned, then by index.
                true => {
                    let kept_first = other_pruned.clone().bool_not().bool_and(pruned.clone());
                    let alike = other_pruned.clone().equal(pruned.clone());
                    kept_first.bool_or(alike.bool_and(later.expand(groups)))
                }
                false => later.expand(groups),
            };
            let tie = scores.clone().equal(score.clone()).bool_and(sooner);
            let before = score.greater(scores.clone()).bool_or(tie);
            let before = match regrows {
                true => before,
                false => before.bool_and(other_pruned.bool_not()),
            };
            rank = rank + before.int();
        }
        let best = rank.lower_scalar(self.n as i64);
        let reserved = match regrows {
            true => best,
            false => best.bool_and(pruned.bool_not()),
        };
        reserved.reshape([count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn reserve(
        quota: Quota,
        shape: &[usize],
        scores: &[f32],
        pruned: &[bool],
        regrows: bool,
    ) -> Vec<bool> {
        let device = Device::default();
        let scores = Tensor::<1>::from_floats(scores, &device);
        let pruned = Tensor::from_data(TensorData::new(pruned.to_vec(), [pruned.len()]), &device);
        let reserved = quota.reserve(shape, scores, pruned, regrows);
        reserved.into_data().iter::<bool>().collect()
    }

    // A [4, 2] linear weight: column 0 holds 4 3 2 1 and column 1 holds 1 2 3 4 from top to bottom.
    #[test]
    fn groups_run_along_their_dimension() {
        let scores = [4., 1., 3., 2., 2., 3., 1., 4.];
        let quota = Quota { n: 2, m: 4, dim: 0 };
        let reserved = reserve(quota, &[4, 2], &scores, &[false; 8], false);
        assert_eq!(
            reserved,
            [true, false, true, false, false, true, false, true]
        );
        let rows = Quota { n: 1, m: 2, dim: 1 };
        let reserved = reserve(rows, &[4, 2], &scores, &[false; 8], false);
        assert_eq!(
            reserved,
            [true, false, true, false, false, true, false, true]
        );
    }

    #[test]
    fn pruned_entries_stay_pruned_unless_they_regrow() {
        let quota = Quota { n: 1, m: 2, dim: 0 };
        let pruned = [true, false, true, true];
        let reserved = reserve(quota, &[4], &[9., 1., 9., 8.], &pruned, false);
        assert_eq!(reserved, [false, true, false, false]);
        let reserved = reserve(quota, &[4], &[9., 1., 9., 8.], &pruned, true);
        assert_eq!(reserved, [true, false, true, false]);
    }

    // 1 is kept and goes before 0, which would regrow; then 2 by its index.
    #[test]
    fn on_equal_scores_what_is_kept_and_the_lower_index_go_first() {
        let quota = Quota { n: 1, m: 2, dim: 0 };
        let pruned = [true, false, false, false];
        let reserved = reserve(quota, &[4], &[5.; 4], &pruned, true);
        assert_eq!(reserved, [false, true, true, false]);
    }
}
