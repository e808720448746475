//! The masks of a model's weights.

use std::collections::BTreeSet;

use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::update::zero;
use crate::kernels::portable;
use crate::scorer::WeightScore;
use crate::weights::{Found, Take, find};
use crate::{Error, Failed, Scores, Selection};

/// Which entries of one weight are kept.
#[derive(Debug, Clone)]
pub struct Mask {
    path: String,
    shape: Vec<usize>,
    dropped: Tensor<1, Bool>,
    kept: usize,
}

impl Mask {
    /// `dropped` has shape `[n]` and drops all but `kept` of its entries.
    pub(crate) fn new(
        path: String,
        shape: Vec<usize>,
        dropped: Tensor<1, Bool>,
        kept: usize,
    ) -> Self {
        Self {
            path,
            shape,
            dropped,
            kept,
        }
    }

    /// The mask of the weight at `path` of this shape that keeps the entries that are true in
    /// `kept`, row-major, on `device`.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] unless there is a flag for each entry.
    pub fn from_kept(
        path: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        kept: &[bool],
        device: &Device,
    ) -> Result<Self, Error> {
        let (path, shape) = (path.into(), shape.into());
        let entries = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
        if entries != Some(kept.len()) {
            return Err(Error::ShapeMismatch {
                what: "mask",
                path,
                expected: shape,
                found: vec![kept.len()],
            });
        }
        let dropped: Vec<bool> = kept.iter().map(|kept| !kept).collect();
        let dropped = Tensor::from_data(TensorData::new(dropped, [kept.len()]), device);
        let kept = kept.iter().filter(|&&kept| kept).count();
        Ok(Self::new(path, shape, dropped, kept))
    }

    /// Where the weight is in the module.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The weight's shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What is dropped, row-major, shape `[n]`.
    pub fn dropped(&self) -> &Tensor<1, Bool> {
        &self.dropped
    }

    /// How many entries are kept.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// How many entries the weight has.
    pub fn total(&self) -> usize {
        self.shape.iter().product()
    }

    pub(super) fn into_parts(self) -> (String, Vec<usize>, Tensor<1, Bool>) {
        (self.path, self.shape, self.dropped)
    }

    /// Whether each entry is kept, row-major, on the host.
    pub fn to_vec(&self) -> Vec<bool> {
        let dropped = portable::bools(&self.dropped);
        dropped.into_iter().map(|dropped| !dropped).collect()
    }
}

/// The masks of all selected weights of a model, in the model's order.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    masks: Vec<Mask>,
}

impl Masks {
    pub(crate) fn new(masks: Vec<Mask>) -> Self {
        Self { masks }
    }

    /// These masks, in this order.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use burn_seven_core::{Mask, Masks};
    ///
    /// # fn main() -> Result<(), burn_seven_core::Error> {
    /// let kept = [true, false, false, true];
    /// let mask = Mask::from_kept("fc.weight", [2, 2], &kept, &Device::default())?;
    /// let masks = Masks::from_masks(vec![mask])?;
    /// assert_eq!(masks.kept(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::MaskedTwice`] for two of one weight.
    pub fn from_masks(masks: Vec<Mask>) -> Result<Self, Error> {
        let mut paths = BTreeSet::new();
        match masks.iter().find(|mask| !paths.insert(mask.path.as_str())) {
            Some(mask) => Err(Error::MaskedTwice {
                path: mask.path.clone(),
            }),
            None => Ok(Self::new(masks)),
        }
    }

    /// The masks that `model`'s selected weights have now: what a mask in the graph drops, and
    /// exact zeros, but for weights that are zero altogether (those wait to be trained).
    ///
    /// # Errors
    ///
    /// [`Error::NothingSelected`] or [`Error::Quantized`].
    pub fn of_model<M: Module>(model: &M, selection: &Selection) -> Result<Self, Error> {
        let (selected, _) = selection.split(find(model, Take::Value))?;
        Ok(Self::of_found(&selected))
    }

    /// Masks that keep everything, for weights of these scores.
    pub fn dense(scores: &Scores) -> Self {
        let mask = |score: &WeightScore| {
            let dropped = score.value().zeros_like().bool();
            let total = score.shape().iter().product();
            Mask::new(
                score.path().to_string(),
                score.shape().to_vec(),
                dropped,
                total,
            )
        };
        Self::new(scores.iter().map(mask).collect())
    }

    pub(crate) fn of_found(found: &[Found]) -> Self {
        let mask = |found: &Found| {
            let total: usize = found.shape.iter().product();
            let kept = Self::count_nonzero(found);
            let (dropped, kept) = if kept == 0 && found.dropped.is_none() {
                (zeros_of(found).bool_not(), total)
            } else {
                (zeros_of(found), kept)
            };
            Mask::new(found.path.clone(), found.shape.clone(), dropped, kept)
        };
        Self::new(found.iter().map(mask).collect())
    }

    /// How many entries of the effective weight are not exactly 0.
    pub(crate) fn count_nonzero(found: &Found) -> usize {
        let zeros = zeros_of(found).int().sum().into_scalar::<i64>();
        found.shape.iter().product::<usize>() - zeros as usize
    }

    pub(super) fn into_masks(self) -> Vec<Mask> {
        self.masks
    }

    /// The masks, weight by weight.
    pub fn iter(&self) -> std::slice::Iter<'_, Mask> {
        self.masks.iter()
    }

    /// How many weight tensors are masked.
    pub fn len(&self) -> usize {
        self.masks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// The mask of the weight at `path`.
    pub fn get(&self, path: &str) -> Option<&Mask> {
        self.masks.iter().find(|mask| mask.path == path)
    }

    /// Where the mask of the weight at `path` is.
    pub(super) fn position(&self, path: &str) -> Option<usize> {
        self.masks.iter().position(|mask| mask.path == path)
    }

    /// The mask of the weight at `path`, checked against its shape.
    pub(crate) fn find(&self, path: &str, shape: &[usize]) -> Result<&Mask, Error> {
        let mask = self.get(path).ok_or_else(|| Error::WeightAdded {
            path: path.to_string(),
        })?;
        if mask.shape != shape {
            return Err(Error::ShapeMismatch {
                what: "mask",
                path: path.to_string(),
                expected: shape.to_vec(),
                found: mask.shape.clone(),
            });
        }
        Ok(mask)
    }

    /// How many weights are kept in all.
    pub fn kept(&self) -> usize {
        self.masks.iter().map(Mask::kept).sum()
    }

    /// How many weights there are in all.
    pub fn total(&self) -> usize {
        self.masks.iter().map(Mask::total).sum()
    }

    /// The share of weights that are dropped.
    pub fn sparsity(&self) -> f64 {
        match self.total() {
            0 => 0.0,
            total => (total - self.kept()) as f64 / total as f64,
        }
    }

    /// Sets what the masks drop to exactly 0 in the stored weights of `model`.
    ///
    /// Also after merging a LoRA adapter into a pruned base, which fills the zeros in.
    ///
    /// # Errors
    ///
    /// [`Error::WeightMissing`], [`Error::ShapeMismatch`] or [`Error::Quantized`] for a model that
    /// the masks do not fit; with the model as it was.
    pub fn apply<M: Module>(&self, model: M) -> Result<M, Failed<M>> {
        match self.check(&find(&model, Take::Description)) {
            Ok(()) => Ok(self.apply_unchecked(model)),
            Err(error) => Err(Failed::new(model, error)),
        }
    }

    pub(crate) fn apply_unchecked<M: Module>(&self, model: M) -> M {
        zero(model, self)
    }

    /// Checks that every mask finds its weight.
    pub(crate) fn check(&self, all: &[Found]) -> Result<(), Error> {
        for mask in &self.masks {
            let found = all.iter().find(|found| found.path == mask.path);
            let found = found.ok_or_else(|| Error::WeightMissing {
                path: mask.path.clone(),
            })?;
            if found.shape != mask.shape {
                return Err(Error::ShapeMismatch {
                    what: "value",
                    path: mask.path.clone(),
                    expected: mask.shape.clone(),
                    found: found.shape.clone(),
                });
            }
            found.check_float()?;
        }
        Ok(())
    }
}

/// Where the effective weight is exactly 0, shape `[n]`.
fn zeros_of(found: &Found) -> Tensor<1, Bool> {
    let value = found
        .value
        .as_ref()
        .expect("a selected weight should be float")
        .flat();
    let zero = value.equal_scalar(0.0f32);
    match &found.dropped {
        Some(dropped) => zero.bool_or(dropped.clone()),
        None => zero,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_made_from_flags() {
        let device = Device::default();
        let mask = Mask::from_kept("a", [2, 2], &[true, false, true, true], &device).unwrap();
        assert_eq!((mask.kept(), mask.total()), (3, 4));
        assert_eq!(mask.to_vec(), [true, false, true, true]);
        assert_eq!(
            Masks::from_masks(vec![mask.clone(), mask]).unwrap_err(),
            Error::MaskedTwice {
                path: "a".to_string()
            }
        );
    }

    #[test]
    fn flags_that_are_too_few_are_refused() {
        let device = Device::default();
        let error = Mask::from_kept("a", [2, 2], &[true; 3], &device).unwrap_err();
        let expected = "the mask of weight a has shape [3], but [2, 2] was expected";
        assert_eq!(error.to_string(), expected);
        assert!(Mask::from_kept("a", [usize::MAX, 2], &[], &device).is_err());
    }
}
