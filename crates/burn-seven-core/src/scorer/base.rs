//! What a scorer is.

use burn::tensor::Tensor;

use super::Gradient;
use crate::kernels::{Histogram, Kernels};
use crate::{Error, RecordState, WeightGrad};

/// A rule that turns a weight's values and gradients into scores; the highest scores stay.
///
/// Implementations don't have to look at modules, gradients by parameter, masks, counts, data
/// types or records: they see one weight tensor at a time, flat (shape `[n]`), float32, finite,
/// outside autodiff, and return a state of the same length. Wrap one in a
/// [`ModuleScorer`](crate::ModuleScorer) to score a whole model.
pub trait Scorer: Clone + Send + Sync + 'static {
    /// The statistics of one weight. Every tensor in it has shape `[n]`, like the weight; anything
    /// else is a scalar. [`Score`](crate::Score) will do where the score is the only statistic.
    type State: Clone + RecordState;

    /// The scorer's name, lower case, as records and reports show it.
    fn name(&self) -> &'static str;

    /// Checks the hyperparameters, before any work.
    ///
    /// # Errors
    ///
    /// One that names the parameter, its value and its range.
    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The hyperparameters by name, so that a record of other ones is refused. Default: none
    fn hyperparameters(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Whether a pruned weight may come back. If so, the model's masks let the dense gradient
    /// reach pruned weights, and `update` sees their stored values; if not, it sees zeros (or, where
    /// the scorer is [`elementwise`](Self::elementwise), anything).
    fn returns(&self) -> bool {
        false
    }

    /// Whether `update` reads the gradient. A scorer that does not also works for frozen weights;
    /// their gradient is then given as zeros.
    fn needs_gradient(&self) -> bool {
        true
    }

    /// What `update` is to be given as the gradient. Default: [`Gradient::Loss`]
    fn gradient(&self) -> Gradient {
        Gradient::Loss
    }

    /// Whether the score of an entry depends on that entry alone, so that a pruner whose pruned
    /// weights do not return need not zero them for `update` first: it looks at no score of theirs.
    /// Default: no
    fn elementwise(&self) -> bool {
        false
    }

    /// Whether finite weights and gradients never make a NaN score, not even by overflow. Then the
    /// statistics can be updated in place also at steps that choose masks, since nothing is left
    /// that could make such a step fail; a scorer that gives NaN all the same makes the step fail with
    /// the statistics updated. Default: no
    fn never_nan(&self) -> bool {
        false
    }

    /// The state before the first update. `index` counts the selected weights of the model.
    fn init(&self, weight: &Tensor<1>, index: usize) -> Self::State;

    /// Folds the weight and its gradient of one step into the state.
    fn update(&self, state: Self::State, weight: Tensor<1>, grad: Tensor<1>) -> Self::State;

    /// [`update`](Self::update) by a backend's own kernel, for scorers that have one. With `counts`
    /// the kernel may count the new scores of what is not dropped in the same pass. Gives the new
    /// state, and whether it was counted. Default: `update`, not counted
    fn update_by(
        &self,
        kernels: &dyn Kernels,
        state: Self::State,
        entry: WeightGrad,
        counts: Option<&mut Histogram>,
    ) -> (Self::State, bool) {
        let _ = (kernels, counts);
        let weight = entry.weight();
        let (_, grad, _) = entry.into_parts();
        (self.update(state, weight, grad), false)
    }

    /// The scores, shape `[n]`, of a state that was updated at least once.
    fn score(&self, state: &Self::State) -> Tensor<1>;
}

/// Checks that a decay rate or the like is in `[0, 1)`.
///
/// # Errors
///
/// [`Error::OutOfRange`] with the parameter's name and value.
pub fn in_unit_interval(parameter: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::OutOfRange {
            parameter,
            value,
            allowed: "in [0, 1)",
        })
    }
}

/// Checks that a count is at least 1.
pub(super) fn at_least_one(parameter: &'static str, value: usize) -> Result<(), Error> {
    match value {
        0 => Err(Error::OutOfRange {
            parameter,
            value: 0.0,
            allowed: "at least 1",
        }),
        _ => Ok(()),
    }
}
