//! A scorer over all selected weights of a model.

use burn::tensor::{DType, Device, Tensor};

use super::Scorer;
use crate::kernels::{KernelChoice, check_finite};
use crate::mask::Tally;
use crate::{Error, Masks, WeightGrads};

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
    pub(super) slots: Vec<Slot<S::State>>,
}

/// One weight's statistics, and what the weight was like when they began.
#[derive(Clone, Debug)]
pub(super) struct Slot<T> {
    pub path: String,
    pub shape: Vec<usize>,
    pub dtype: DType,
    pub device: Device,
    pub state: Option<T>,
}

impl<S: Scorer> From<S> for ModuleScorer<S> {
    fn from(scorer: S) -> Self {
        Self {
            scorer,
            slots: Vec::new(),
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
    /// A hyperparameter out of range; a NaN or infinite value; a missing gradient; a weight that
    /// changed its shape, type or device, is new or is gone since the first call. The statistics are
    /// unchanged then.
    pub fn update(&mut self, grads: &WeightGrads) -> Result<(), Error> {
        self.update_with(grads, None)
    }

    /// [`update`](Self::update), with the new scores counted in the same pass where scorer and
    /// backend can.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update).
    pub fn update_counting(&mut self, grads: &WeightGrads, tally: &mut Tally) -> Result<(), Error> {
        self.update_with(grads, Some(tally))
    }

    fn update_with(&mut self, grads: &WeightGrads, tally: Option<&mut Tally>) -> Result<(), Error> {
        let kernels = KernelChoice::default();
        self.check(grads)?;
        check_finite(grads, &kernels)?;
        self.fold(grads.clone(), tally, &kernels);
        Ok(())
    }

    /// The scores so far, in the model's order; none before the first update.
    pub fn scores(&self) -> Scores {
        let scores = self.slots.iter().filter_map(|slot| {
            let state = slot.state.as_ref()?;
            Some(WeightScore {
                path: slot.path.clone(),
                shape: slot.shape.clone(),
                value: self.scorer.score(state),
            })
        });
        Scores(scores.collect())
    }

    /// One weight's statistics.
    pub fn state(&self, path: &str) -> Option<&S::State> {
        let slot = self.slots.iter().find(|slot| slot.path == path)?;
        slot.state.as_ref()
    }

    /// Everything that can be wrong with `grads` but for the values themselves.
    pub(super) fn check(&self, grads: &WeightGrads) -> Result<(), Error> {
        self.scorer.validate()?;
        for entry in grads.iter() {
            if self.scorer.needs_gradient() && entry.grad().is_none() {
                return Err(Error::MissingGradient {
                    path: entry.path().to_string(),
                    scorer: self.scorer.name(),
                });
            }
        }
        if self.slots.is_empty() {
            return Ok(());
        }
        for slot in &self.slots {
            if !grads.iter().any(|entry| entry.path() == slot.path) {
                return Err(Error::WeightMissing {
                    path: slot.path.clone(),
                });
            }
        }
        for (index, entry) in grads.iter().enumerate() {
            let slot = self
                .slots
                .get(index)
                .filter(|slot| slot.path == entry.path());
            let Some(slot) = slot else {
                return Err(Error::WeightAdded {
                    path: entry.path().to_string(),
                });
            };
            if slot.shape != entry.shape() {
                return Err(Error::ShapeMismatch {
                    what: "value",
                    path: slot.path.clone(),
                    expected: slot.shape.clone(),
                    found: entry.shape().to_vec(),
                });
            }
            if slot.dtype != entry.dtype() {
                return Err(Error::DTypeMismatch {
                    path: slot.path.clone(),
                    expected: format!("{:?}", slot.dtype),
                    found: format!("{:?}", entry.dtype()),
                });
            }
            if slot.device != entry.device() {
                return Err(Error::DeviceMismatch {
                    path: slot.path.clone(),
                    expected: format!("{:?}", slot.device),
                    found: format!("{:?}", entry.device()),
                });
            }
        }
        Ok(())
    }

    /// Folds checked values into the statistics.
    pub(super) fn fold(
        &mut self,
        grads: WeightGrads,
        mut tally: Option<&mut Tally>,
        kernels: &KernelChoice,
    ) {
        if self.slots.is_empty() {
            let slot = |entry: &crate::WeightGrad| Slot {
                path: entry.path().to_string(),
                shape: entry.shape().to_vec(),
                dtype: entry.dtype(),
                device: entry.device(),
                state: None,
            };
            self.slots = grads.iter().map(slot).collect();
        }
        let entries = grads.into_entries().into_iter();
        for (index, (slot, entry)) in self.slots.iter_mut().zip(entries).enumerate() {
            let device = entry.device();
            // Taken out, so that buffers that no one else holds can be updated in place.
            let state = slot.state.take();
            let state = state.unwrap_or_else(|| self.scorer.init(&entry.weight(), index));
            // Scores that depend on nothing else need no zeroed weights, and are not counted here.
            let (entry, counts) = match &mut tally {
                Some(tally) if !self.scorer.elementwise() => tally.prepare(index, entry),
                _ => (entry, None),
            };
            let (state, counted) = self
                .scorer
                .update_by(kernels.at(&device), state, entry, counts);
            slot.state = Some(state);
            if let Some(tally) = tally.as_mut().filter(|_| counted) {
                tally.note(index);
            }
        }
    }
}

/// The scores of every selected weight of a model, in the model's order.
#[derive(Debug, Clone, Default)]
pub struct Scores(Vec<WeightScore>);

/// The scores of one weight.
#[derive(Debug, Clone)]
pub struct WeightScore {
    path: String,
    shape: Vec<usize>,
    value: Tensor<1>,
}

impl Scores {
    /// The scores, weight by weight.
    pub fn iter(&self) -> std::slice::Iter<'_, WeightScore> {
        self.0.iter()
    }

    /// How many weight tensors there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was scored yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These scores with 0 for what `masks` drop.
    ///
    /// # Errors
    ///
    /// [`Error::WeightAdded`] or [`Error::ShapeMismatch`] for masks of another model.
    pub fn masked(self, masks: &Masks) -> Result<Self, Error> {
        let masked = self.0.into_iter().map(|score| {
            let mask = masks.find(&score.path, &score.shape)?;
            score.check_length(mask.total())?;
            let value = score.value.mask_fill(mask.dropped().clone(), 0.0);
            Ok(WeightScore { value, ..score })
        });
        masked.collect::<Result<_, _>>().map(Self)
    }

    /// From scores made by hand: path, shape and flat values (shape `[n]`, float32).
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] where the number of values is not the shape's.
    pub fn from_parts(
        parts: impl IntoIterator<Item = (String, Vec<usize>, Tensor<1>)>,
    ) -> Result<Self, Error> {
        let scores = parts.into_iter().map(|(path, shape, value)| {
            let score = WeightScore { path, shape, value };
            score.check_length(score.shape.iter().product())?;
            Ok(score)
        });
        scores.collect::<Result<_, _>>().map(Self)
    }
}

impl WeightScore {
    /// Where the weight is in the module.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The weight's shape in the module.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Checks that there is one score for each of `count` entries.
    pub(crate) fn check_length(&self, count: usize) -> Result<(), Error> {
        let found = self.value.shape().to_vec();
        if found == [count] {
            return Ok(());
        }
        Err(Error::ShapeMismatch {
            what: "score",
            path: self.path.clone(),
            expected: vec![count],
            found,
        })
    }

    /// The scores, row-major, shape `[n]`.
    pub fn value(&self) -> &Tensor<1> {
        &self.value
    }
}
