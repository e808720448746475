//! The one place where a scorer's type is erased, so that pruners are not generic over it.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use burn_pack::Scalar;

use super::{ModuleScorer, Reads, Regrowth, Sample, Scorer, Scores, Tally};
use crate::budget::Budget;
use crate::kernels::{KernelChoice, Portable};
use crate::weights::{Inputs, Weight};
use crate::{Error, StateSink, StateSource, WeightGrad, WeightGrads};

/// A [`ModuleScorer`] of any rule: what a [`Pruner`](crate::Pruner) holds.
///
/// Made of a `ModuleScorer` by `into()`, or by its [name](Self::named).
#[derive(Clone)]
pub struct AnyScorer(Box<dyn DynScorer>);

impl<S: Scorer> From<ModuleScorer<S>> for AnyScorer {
    fn from(scorer: ModuleScorer<S>) -> Self {
        Self(Box::new(scorer))
    }
}

impl AnyScorer {
    /// The library's scorer of this name, with its default hyperparameters.
    ///
    /// ```
    /// use burn_seven_core::scorer::AnyScorer;
    ///
    /// assert_eq!(AnyScorer::named("seven").unwrap().name(), "seven");
    /// assert!(AnyScorer::named("eight").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        let mut all = super::all().into_iter();
        all.find(|scorer| scorer.name() == name)
    }

    /// The names of the library's scorers.
    pub fn names() -> Vec<&'static str> {
        super::all().iter().map(Self::name).collect()
    }

    /// The scorer's name.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Folds one step's weights and gradients into the statistics.
    ///
    /// # Errors
    ///
    /// Those of [`ModuleScorer::update`]. The statistics are unchanged then.
    pub fn update(&mut self, grads: &WeightGrads) -> Result<(), Error> {
        self.update_counting(grads, None)
    }

    /// [`ModuleScorer::update_counting`].
    #[doc(hidden)]
    pub fn update_counting(
        &mut self,
        grads: &WeightGrads,
        tally: Option<&mut Tally>,
    ) -> Result<(), Error> {
        self.0.update_counting(grads, tally)
    }
}

impl std::ops::Deref for AnyScorer {
    type Target = dyn DynScorer;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl std::ops::DerefMut for AnyScorer {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut()
    }
}

/// The object-safe side of [`ModuleScorer`].
#[doc(hidden)]
pub trait DynScorer: Send + Sync {
    fn name(&self) -> &'static str;
    fn validate(&self) -> Result<(), Error>;
    fn config(&self) -> serde_json::Value;
    fn reads(&self) -> Reads;
    fn regrowth(&self) -> Regrowth;
    fn budget(&self) -> Option<Arc<dyn Budget>>;
    fn never_nan(&self) -> bool;
    fn update_counting(
        &mut self,
        grads: &WeightGrads,
        tally: Option<&mut Tally>,
    ) -> Result<(), Error>;
    fn check(&self, grads: &WeightGrads) -> Result<(), Error>;
    #[allow(private_interfaces, reason = "called by the pruner alone")]
    fn fold(&mut self, grads: WeightGrads, tally: Option<&mut Tally>, kernels: &KernelChoice);
    fn scores(&self) -> Scores;
    fn growth(&self) -> Option<Scores>;
    /// Writes the statistics, each weight's under `scorer.<its index>`.
    fn flatten(&self, out: &mut StateSink);
    /// Reads statistics of `weights`.
    fn unflatten(
        &mut self,
        weights: &[Arc<Weight>],
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

    fn config(&self) -> serde_json::Value {
        self.scorer.config()
    }

    fn reads(&self) -> Reads {
        self.scorer.reads()
    }

    fn regrowth(&self) -> Regrowth {
        self.scorer.regrowth()
    }

    fn budget(&self) -> Option<Arc<dyn Budget>> {
        self.scorer.budget()
    }

    fn never_nan(&self) -> bool {
        self.scorer.never_nan()
    }

    fn update_counting(
        &mut self,
        grads: &WeightGrads,
        tally: Option<&mut Tally>,
    ) -> Result<(), Error> {
        self.update_counting(grads, tally)
    }

    fn check(&self, grads: &WeightGrads) -> Result<(), Error> {
        self.check(grads)
    }

    #[allow(private_interfaces, reason = "called by the pruner alone")]
    fn fold(&mut self, grads: WeightGrads, tally: Option<&mut Tally>, kernels: &KernelChoice) {
        self.fold(grads, tally, kernels);
    }

    fn scores(&self) -> Scores {
        self.scores()
    }

    fn growth(&self) -> Option<Scores> {
        self.growth()
    }

    fn flatten(&self, out: &mut StateSink) {
        for (index, state) in self.states.iter().enumerate() {
            if let Some(state) = state {
                burn::optim::RecordState::state_flatten(state, &prefix(index), out);
            }
        }
    }

    fn unflatten(
        &mut self,
        weights: &[Arc<Weight>],
        tensors: Vec<(String, TensorData)>,
        scalars: Vec<(String, Scalar)>,
    ) -> Result<(), Error> {
        self.weights.clear();
        self.states.clear();
        if tensors.is_empty() && scalars.is_empty() {
            return Ok(());
        }
        let found = shapes(tensors.iter().map(|(name, data)| (name, data)));
        let mut source = StateSource::new(scalars.into_iter().collect());
        for (name, data) in tensors {
            source.insert_tensor(name, data);
        }
        for (index, weight) in weights.iter().enumerate() {
            let prefix = prefix(index);
            // What the statistics of such a weight are like.
            let mut expected = StateSink::default();
            let fresh = fresh(&self.scorer, weight, index)?;
            burn::optim::RecordState::state_flatten(&fresh, &prefix, &mut expected);
            let expected = shapes(expected.tensors.iter().map(|(name, data)| (name, data)));
            for (name, shape) in &expected {
                if let Some((_, found)) = found.iter().find(|(other, _)| other == name)
                    && found != shape
                {
                    return Err(Error::ShapeMismatch {
                        what: "statistic",
                        path: weight.path().to_string(),
                        expected: shape.clone(),
                        found: found.clone(),
                    });
                }
            }
            let state = <S::State as burn::optim::RecordState>::state_unflatten(
                &prefix,
                &mut source,
                weight.device(),
            );
            let state = state.ok_or_else(|| Error::RecordMismatch {
                what: format!("statistics of weight {}", weight.path()),
                expected: format!("those of the scorer {}", self.scorer.name()),
                found: "incomplete".to_string(),
            })?;
            self.states.push(Some(state));
        }
        self.weights = weights.to_vec();
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

fn shapes<'a>(
    tensors: impl Iterator<Item = (&'a String, &'a TensorData)>,
) -> Vec<(String, Vec<usize>)> {
    let shapes = tensors.map(|(name, data)| (name.clone(), data.shape().to_vec()));
    shapes.collect()
}

/// The statistics after one step of zeros.
fn fresh<S: Scorer>(scorer: &S, weight: &Arc<Weight>, index: usize) -> Result<S::State, Error> {
    let zeros = |count| Tensor::<1>::zeros([count], weight.device());
    let flat = Weight::new(
        weight.path(),
        weight.shape(),
        burn::tensor::DType::F32,
        weight.device(),
    );
    let flat = flat.with_layer(weight.layer().map(str::to_string));
    let inputs = weight.shape().get(weight.input_dim()).copied();
    let inputs = Inputs {
        squares: zeros(inputs.unwrap_or(0)),
        samples: 1,
    };
    let entry = WeightGrad::of_zeros(Arc::new(flat), zeros(weight.count()), inputs);
    let sample = Sample::new(&entry, index, &Portable, None);
    Ok(scorer.update(None, &sample))
}
