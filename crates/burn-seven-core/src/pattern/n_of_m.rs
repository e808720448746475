//! N of every M consecutive inputs.

use super::{Pattern, Ranked};
use crate::{Error, Sparsity};

/// N:M sparsity: of every `m` consecutive weights along the input dimension, `n` stay.
///
/// The input dimension is the first of a matrix, as Burn's `Linear` stores it (`[d_input,
/// d_output]`), and the second of anything larger, as its convolutions store it (`[channels_out,
/// channels_in, ..]`); [`with_dim`](Self::with_dim) sets another, such as 0 for transposed
/// convolutions, which store the input first. The pattern fixes the target:
/// the schedule has to end on [`sparsity`](Self::sparsity). While a schedule is on its way there,
/// at least `n` of every group stay, and the other places go to the highest scores.
///
/// See [Accelerating Sparse Deep Neural Networks](https://arxiv.org/abs/2104.08378).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NofM {
    n: usize,
    m: usize,
    dim: Option<usize>,
}

impl NofM {
    /// `n` of every `m` stay, with `1 <= n <= m`.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for any other `n`, 0 included.
    pub fn new(n: usize, m: usize) -> Result<Self, Error> {
        if n == 0 || n > m {
            return Err(Error::OutOfRange {
                parameter: "n of the pattern n:m",
                value: n as f64,
                allowed: "at least 1 and at most m",
            });
        }
        Ok(Self { n, m, dim: None })
    }

    /// Groups run along this dimension of every weight.
    pub fn with_dim(mut self, dim: usize) -> Self {
        self.dim = Some(dim);
        self
    }

    /// The sparsity that the pattern gives, `1 - n/m`.
    pub fn sparsity(&self) -> Sparsity {
        Sparsity::of_counts(self.n, self.m).expect("n should be at least 1 and at most m")
    }

    fn dim_of(&self, shape: &[usize]) -> usize {
        self.dim.unwrap_or(if shape.len() <= 2 { 0 } else { 1 })
    }
}

impl Pattern for NofM {
    fn name(&self) -> String {
        format!("{}:{}", self.n, self.m)
    }

    fn check(&self, path: &str, shape: &[usize]) -> Result<(), Error> {
        let dim = self.dim_of(shape);
        let size = shape.get(dim).copied().unwrap_or(0);
        if size == 0 || size % self.m != 0 {
            return Err(Error::PatternShape {
                pattern: self.name(),
                path: path.to_string(),
                dim,
                size,
                group: self.m,
            });
        }
        Ok(())
    }

    fn reserved_count(&self, shape: &[usize]) -> Option<usize> {
        Some(shape.iter().product::<usize>() / self.m * self.n)
    }

    fn reserve(&self, ranked: Ranked<'_>) -> Vec<bool> {
        let dim = self.dim_of(ranked.shape);
        let stride: usize = ranked.shape[dim + 1..].iter().product();
        let span = stride * self.m; // from one group to the next along the dimension
        let mut reserved = vec![false; ranked.keys.len()];
        let mut group = Vec::with_capacity(self.m);
        for block in (0..ranked.keys.len()).step_by(span) {
            for first in block..block + stride {
                let members = (0..self.m).map(|step| first + step * stride);
                group.clear();
                group.extend(members.filter(|&index| ranked.eligible[index]));
                // A stable sort: on equal keys what is kept now goes first, then the lower index.
                group.sort_by_key(|&index| {
                    std::cmp::Reverse((ranked.keys[index], ranked.kept[index]))
                });
                for &index in group.iter().take(self.n) {
                    reserved[index] = true;
                }
            }
        }
        reserved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve(pattern: NofM, shape: &[usize], keys: &[u32], eligible: &[bool]) -> Vec<bool> {
        let all = vec![true; keys.len()];
        let ranked = Ranked {
            shape,
            keys,
            eligible,
            kept: &all,
        };
        pattern.reserve(ranked)
    }

    // A [4, 2] linear weight: column 0 holds 4 3 2 1 and column 1 holds 1 2 3 4 from top to bottom.
    #[test]
    fn groups_run_down_the_input_dimension_of_a_matrix() {
        let keys = [4, 1, 3, 2, 2, 3, 1, 4];
        let reserved = reserve(NofM::new(2, 4).unwrap(), &[4, 2], &keys, &[true; 8]);
        assert_eq!(
            reserved,
            [true, false, true, false, false, true, false, true]
        );
    }

    // A [2, 2, 2] convolution weight: dimension 1 is the input, so 0 pairs with 2 and 1 with 3.
    #[test]
    fn groups_run_along_dimension_one_of_a_convolution() {
        let keys = [1, 9, 5, 2, 7, 7, 3, 8];
        let reserved = reserve(NofM::new(1, 2).unwrap(), &[2, 2, 2], &keys, &[true; 8]);
        assert_eq!(
            reserved,
            [false, true, true, false, true, false, false, true]
        );
    }

    #[test]
    fn equal_keys_go_by_index_and_ineligible_ones_never_stay() {
        let one = NofM::new(1, 4).unwrap();
        assert_eq!(
            reserve(one, &[4, 1], &[5; 4], &[true; 4]),
            [true, false, false, false]
        );
        let eligible = [false, true, true, true];
        assert_eq!(
            reserve(one, &[4, 1], &[9, 5, 5, 5], &eligible),
            [false, true, false, false]
        );
    }

    #[test]
    fn what_does_not_divide_is_an_error_with_the_sizes() {
        let error = NofM::new(2, 4).unwrap().check("w", &[6, 8]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "pattern 2:4 needs groups of 4, but dimension 0 of weight w is 6"
        );
        assert!(
            NofM::new(2, 4)
                .unwrap()
                .with_dim(1)
                .check("w", &[6, 8])
                .is_ok()
        );
        assert!(
            NofM::new(2, 4)
                .unwrap()
                .with_dim(2)
                .check("w", &[6, 8])
                .is_err()
        );
        assert!(NofM::new(0, 4).is_err());
        assert!(NofM::new(5, 4).is_err());
        assert_eq!(NofM::new(2, 4).unwrap().sparsity().value(), 0.5);
    }
}
