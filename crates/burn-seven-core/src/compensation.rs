//! New values for what stays, when something goes.

use burn::tensor::{Bool, Tensor};

use crate::Error;
use crate::weights::Weight;

/// What changes of one weight when new masks are chosen.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// What the weight is like.
    pub weight: &'a Weight,
    /// Its values as the model used them until now: float32, row-major, shape `[n]`, 0 where it was
    /// pruned.
    pub values: Tensor<1>,
    /// What was pruned until now, shape `[n]`.
    pub before: &'a Tensor<1, Bool>,
    /// What is pruned from now on, shape `[n]`.
    pub after: &'a Tensor<1, Bool>,
}

/// Changes the values of what stays to make up for what goes, between the choice of new masks and
/// their use. Set by [`PrunerConfig::with_compensation`](crate::PrunerConfig::with_compensation).
pub trait Compensation: std::fmt::Debug + Send + Sync + 'static {
    /// The compensation's name with its numbers. Records compare it.
    fn name(&self) -> String;

    /// The weight's new values, shape `[n]`. What they are where it is pruned does not matter.
    ///
    /// # Errors
    ///
    /// What makes it impossible; masks and model stay as they were.
    fn compensate(&self, change: &Change<'_>) -> Result<Tensor<1>, Error>;
}

/// Keeps the sum of what enters each output of a linear layer: what goes is spread evenly over what
/// stays of the same column. Weights of another rank than 2 are left as they are.
///
/// For inputs of one sign and similar size, such as those after a ReLU.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepSums;

impl Compensation for KeepSums {
    fn name(&self) -> String {
        "keep_sums".to_string()
    }

    fn compensate(&self, change: &Change<'_>) -> Result<Tensor<1>, Error> {
        let &[rows, columns] = change.weight.shape() else {
            return Ok(change.values.clone());
        };
        let values = change.values.clone().reshape([rows, columns]);
        let pruned = change.after.clone().reshape([rows, columns]);
        let gone = values.clone().mask_fill(pruned.clone().bool_not(), 0.0);
        let kept = pruned.bool_not().float();
        let share = gone.sum_dim(0) / kept.clone().sum_dim(0).clamp_min(1.0);
        let values = values + kept * share;
        Ok(values.reshape([rows * columns]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    // Columns (1, 2, 4) and (3, 5, 7). Of the first the 1 goes, and 2 and 4 get a half each; of the
    // second all go, and there is nothing to spread it over.
    #[test]
    fn what_goes_is_spread_over_what_stays_of_a_column() {
        let device = Device::default();
        let weight = Weight::new("w", [3, 2], DType::F32, &device);
        let dense = Tensor::from_data([false; 6], &device);
        let after = Tensor::from_data([true, true, false, true, false, true], &device);
        let change = Change {
            weight: &weight,
            values: Tensor::from_floats([1.0, 3.0, 2.0, 5.0, 4.0, 7.0], &device),
            before: &dense,
            after: &after,
        };
        let values = KeepSums.compensate(&change).unwrap();
        let kept = values
            .mask_fill(after, 0.0)
            .try_into_vec_as::<f32>()
            .unwrap();
        assert_eq!(kept, [0.0, 0.0, 2.5, 0.0, 4.5, 0.0]);
    }
}
