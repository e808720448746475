//! The one place where a scorer's type is erased, so that pruners are not generic over it.

use burn::tensor::{Device, TensorData};
use burn_pack::Scalar;

use super::module_scorer::Slot;
use super::{Gradient, ModuleScorer, Scorer, Scores};
use crate::kernels::KernelChoice;
use crate::mask::Tally;
use crate::{Error, RecordState, StateSink, StateSource, WeightGrads};

/// The object-safe side of [`ModuleScorer`].
pub(crate) trait DynScorer: Send + Sync {
    fn name(&self) -> &'static str;
    fn validate(&self) -> Result<(), Error>;
    fn hyperparameters(&self) -> Vec<(&'static str, f64)>;
    fn returns(&self) -> bool;
    fn gradient(&self) -> Gradient;
    fn elementwise(&self) -> bool;
    fn never_nan(&self) -> bool;
    /// See [`ModuleScorer::check`].
    fn check(&self, grads: &WeightGrads) -> Result<(), Error>;
    /// See [`ModuleScorer::fold`].
    fn fold(&mut self, grads: WeightGrads, tally: Option<&mut Tally>, kernels: &KernelChoice);
    fn scores(&self) -> Scores;
    /// Writes the statistics, each weight's under `scorer.<its index>`.
    fn flatten(&self, out: &mut StateSink);
    /// Reads statistics of `weights`, given as path, shape, type and device.
    fn unflatten(
        &mut self,
        weights: &[(String, Vec<usize>, burn::tensor::DType, Device)],
        tensors: Vec<(String, TensorData)>,
        scalars: Vec<(String, Scalar)>,
    ) -> Result<(), Error>;
    fn boxed_clone(&self) -> Box<dyn DynScorer>;
}

/// The prefix of the statistics of the weight at `index`.
fn prefix(index: usize) -> String {
    format!("scorer.{index}")
}

impl<S: Scorer> DynScorer for ModuleScorer<S> {
    fn name(&self) -> &'static str {
        self.scorer.name()
    }

    fn validate(&self) -> Result<(), Error> {
        self.scorer.validate()
    }

    fn hyperparameters(&self) -> Vec<(&'static str, f64)> {
        self.scorer.hyperparameters()
    }

    fn returns(&self) -> bool {
        self.scorer.returns()
    }

    fn gradient(&self) -> Gradient {
        self.scorer.gradient()
    }

    fn elementwise(&self) -> bool {
        self.scorer.elementwise()
    }

    fn never_nan(&self) -> bool {
        self.scorer.never_nan()
    }

    fn check(&self, grads: &WeightGrads) -> Result<(), Error> {
        self.check(grads)
    }

    fn fold(&mut self, grads: WeightGrads, tally: Option<&mut Tally>, kernels: &KernelChoice) {
        self.fold(grads, tally, kernels);
    }

    fn scores(&self) -> Scores {
        self.scores()
    }

    fn flatten(&self, out: &mut StateSink) {
        for (index, slot) in self.slots.iter().enumerate() {
            if let Some(state) = &slot.state {
                state.state_flatten(&prefix(index), out);
            }
        }
    }

    fn unflatten(
        &mut self,
        weights: &[(String, Vec<usize>, burn::tensor::DType, Device)],
        tensors: Vec<(String, TensorData)>,
        scalars: Vec<(String, Scalar)>,
    ) -> Result<(), Error> {
        if tensors.is_empty() && scalars.is_empty() {
            self.slots.clear();
            return Ok(());
        }
        let mut source = StateSource::new(scalars.into_iter().collect());
        for (name, data) in tensors {
            source.insert_tensor(name, data);
        }
        let slots = weights.iter().enumerate().map(|(index, weight)| {
            let (path, shape, dtype, device) = weight;
            let state = S::State::state_unflatten(&prefix(index), &mut source, device);
            let state = state.ok_or_else(|| Error::RecordMismatch {
                what: format!("statistics of weight {path}"),
                expected: format!("those of the scorer {}", self.scorer.name()),
                found: "incomplete".to_string(),
            })?;
            Ok(Slot {
                path: path.clone(),
                shape: shape.clone(),
                dtype: *dtype,
                device: device.clone(),
                state: Some(state),
            })
        });
        self.slots = slots.collect::<Result<_, Error>>()?;
        Ok(())
    }

    fn boxed_clone(&self) -> Box<dyn DynScorer> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn DynScorer> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}
