//! A scorer over all selected weights of a model.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use super::erased::DynScorer;
use super::{Sample, Scorer, Scores, Tally, WeightScore};
use crate::kernels::KernelChoice;
use crate::weights::{Weight, check_finite, check_same};
use crate::{Error, StateSink, WeightGrads};

/// A [`Scorer`] with the statistics of every selected weight of a model.
///
/// It works by itself, in training code that does its own masking, or inside a
/// [`Pruner`](crate::Pruner):
///
/// ```
/// use burn::{module::Module, nn::LinearConfig, optim::GradientsParams, tensor::{Device, Tensor}};
/// use burn_seven_core::{SevenScorerConfig, WeightGrads};
///
/// # fn main() -> Result<(), burn_seven_core::Error> {
/// let device = Device::default().autodiff();
/// let model = LinearConfig::new(4, 3).init(&device);
/// let mut scorer = SevenScorerConfig::new().init();
///
/// let loss = model.forward(Tensor::<2>::ones([2, 4], &device)).powi_scalar(2).mean();
/// let grads = GradientsParams::from_grads(loss.backward(), &model);
/// let grads = WeightGrads::new(&model, &grads)?;
/// scorer.update(&grads)?;
///
/// assert_eq!(scorer.scores().iter().next().map(|score| score.path()), Some("weight"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ModuleScorer<S: Scorer> {
    pub(super) scorer: S,
    /// The weights; empty before the first update.
    pub(super) weights: Vec<Arc<Weight>>,
    /// Their statistics.
    pub(super) states: Vec<Option<S::State>>,
}

impl<S: Scorer> From<S> for ModuleScorer<S> {
    fn from(scorer: S) -> Self {
        Self {
            scorer,
            weights: Vec::new(),
            states: Vec::new(),
        }
    }
}

impl<S: Scorer> ModuleScorer<S> {
    /// The rule.
    pub fn scorer(&self) -> &S {
        &self.scorer
    }

    /// Folds one step's weights and gradients into the statistics.
    ///
    /// # Errors
    ///
    /// A hyperparameter out of range; a NaN or infinite value; a gradient or inputs that are read
    /// and missing; a weight that changed its shape, type or device, is new or is gone since the
    /// first call. The statistics are unchanged then.
    pub fn update(&mut self, grads: &WeightGrads) -> Result<(), Error> {
        self.update_counting(grads, None)
    }

    /// [`update`](Self::update), with the new scores counted in the same pass where scorer and
    /// backend can.
    #[doc(hidden)]
    pub fn update_counting(
        &mut self,
        grads: &WeightGrads,
        tally: Option<&mut Tally>,
    ) -> Result<(), Error> {
        let kernels = KernelChoice::default();
        self.check(grads)?;
        check_finite(grads, &kernels)?;
        self.fold(grads.clone(), tally, &kernels);
        Ok(())
    }

    /// The scores so far, in the model's order; none before the first update.
    pub fn scores(&self) -> Scores {
        Scores::new(
            self.each(|state| Some(self.scorer.score(state)))
                .unwrap_or_default(),
        )
    }

    /// Where pruned weights should grow back, if the scorer says so.
    pub(super) fn growth(&self) -> Option<Scores> {
        self.each(|state| self.scorer.growth(state))
            .map(Scores::new)
    }

    fn each(&self, score: impl Fn(&S::State) -> Option<Tensor<1>>) -> Option<Vec<WeightScore>> {
        let pairs = self.weights.iter().zip(&self.states);
        let pairs = pairs.filter_map(|(weight, state)| Some((weight, state.as_ref()?)));
        pairs
            .map(|(weight, state)| Some(WeightScore::new(weight.clone(), score(state)?)))
            .collect()
    }

    /// One weight's statistics.
    pub fn state(&self, path: &str) -> Option<&S::State> {
        let index = self
            .weights
            .iter()
            .position(|weight| weight.path() == path)?;
        self.states.get(index)?.as_ref()
    }

    /// The scorer with its statistics on `device`, for a model there.
    ///
    /// # Errors
    ///
    /// [`Error::RecordMismatch`] when a custom state cannot be read back.
    pub fn to_device(mut self, device: &Device) -> Result<Self, Error> {
        // An autodiff device is the same memory.
        let device = device.clone().without_autodiff();
        let weights = self
            .weights
            .iter()
            .map(|weight| Arc::new(weight.on(&device)));
        let weights: Vec<_> = weights.collect();
        let mut sink = StateSink::default();
        self.flatten(&mut sink);
        self.unflatten(&weights, sink.tensors, sink.scalars)?;
        Ok(self)
    }

    /// Everything that can be wrong with `grads` but for the values themselves.
    pub(super) fn check(&self, grads: &WeightGrads) -> Result<(), Error> {
        self.scorer.validate()?;
        let reads = self.scorer.reads();
        let (path, scorer) = (
            |weight: &Weight| weight.path().to_string(),
            self.scorer.name(),
        );
        for entry in grads.iter() {
            if reads.gradient().is_some() && entry.stored_grad().is_none() {
                let path = path(entry.weight());
                return Err(Error::MissingGradient { path, scorer });
            }
            if reads.inputs() && entry.inputs().is_none() {
                let path = path(entry.weight());
                return Err(Error::MissingInputs { path, scorer });
            }
        }
        match self.weights.is_empty() {
            true => Ok(()),
            false => check_same(&self.weights, &grads.weights()),
        }
    }

    /// Folds checked values into the statistics.
    pub(super) fn fold(
        &mut self,
        grads: WeightGrads,
        mut tally: Option<&mut Tally>,
        kernels: &KernelChoice,
    ) {
        if self.weights.is_empty() {
            self.weights = grads.weights();
            self.states = vec![None; self.weights.len()];
        }
        let entries = grads.into_entries().into_iter();
        for (index, (state, entry)) in self.states.iter_mut().zip(entries).enumerate() {
            let (entry, histogram) = match &mut tally {
                Some(tally) => tally.prepare(index, entry),
                None => (entry, None),
            };
            let kernels = kernels.at(entry.weight().device());
            let sample = Sample::new(&entry, index, kernels, histogram);
            // Taken out, so that buffers that no one else holds can be updated in place.
            *state = Some(self.scorer.update(state.take(), &sample));
            if sample.was_counted()
                && let Some(tally) = &mut tally
            {
                tally.note(index);
            }
        }
    }
}
