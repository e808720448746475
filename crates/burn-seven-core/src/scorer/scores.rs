//! The scores of a model's weights.

use std::sync::Arc;

use burn::tensor::{DType, Tensor};

use super::sample::check_length;
use crate::weights::Weight;
use crate::{Error, Masks};

/// The scores of every selected weight of a model, in the model's order.
#[derive(Debug, Clone, Default)]
pub struct Scores(Vec<WeightScore>);

/// The scores of one weight.
#[derive(Debug, Clone)]
pub struct WeightScore {
    weight: Arc<Weight>,
    value: Tensor<1>,
}

impl Scores {
    pub(crate) fn new(scores: Vec<WeightScore>) -> Self {
        Self(scores)
    }

    /// The scores, weight by weight.
    pub fn iter(&self) -> std::slice::Iter<'_, WeightScore> {
        self.0.iter()
    }

    /// How many weight tensors there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_slice(&self) -> &[WeightScore] {
        &self.0
    }

    /// Whether nothing was scored yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Masks that keep everything, for weights of these scores.
    pub fn dense_masks(&self) -> Masks {
        Masks::dense(self.weights())
    }

    /// What the weights are like.
    pub(crate) fn weights(&self) -> impl Iterator<Item = Arc<Weight>> + '_ {
        self.iter().map(|score| score.weight.clone())
    }

    /// These scores with 0 for what `masks` prune.
    ///
    /// # Errors
    ///
    /// [`Error::WeightAdded`] or [`Error::ShapeMismatch`] for masks of another model.
    pub fn masked(self, masks: &Masks) -> Result<Self, Error> {
        let masked = self.0.into_iter().map(|score| {
            let mask = masks.find(score.path(), score.shape())?;
            score.check_length()?;
            let value = score.value.mask_fill(mask.pruned().clone(), 0.0);
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
            let weight = Weight::new(path, shape, DType::F32, &value.device());
            let score = WeightScore::new(Arc::new(weight), value);
            score.check_length()?;
            Ok(score)
        });
        scores.collect::<Result<_, _>>().map(Self)
    }
}

impl WeightScore {
    pub(crate) fn new(weight: Arc<Weight>, value: Tensor<1>) -> Self {
        Self { weight, value }
    }

    /// The weight that is scored.
    pub fn weight(&self) -> &Arc<Weight> {
        &self.weight
    }

    /// Where the weight is in the module.
    pub fn path(&self) -> &str {
        self.weight.path()
    }

    /// The weight's shape in the module.
    pub fn shape(&self) -> &[usize] {
        self.weight.shape()
    }

    /// The scores, row-major, shape `[n]`.
    pub fn value(&self) -> &Tensor<1> {
        &self.value
    }

    /// Checks that there is one score for each entry.
    pub(crate) fn check_length(&self) -> Result<(), Error> {
        check_length(&self.weight, &self.value)
    }
}
