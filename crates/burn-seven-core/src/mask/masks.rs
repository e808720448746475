//! The masks of a model's weights.

use std::collections::BTreeSet;
use std::sync::Arc;

use burn::module::{Module, ParamId};
use burn::tensor::{Bool, DType, Device, Tensor, TensorData};

use super::Zeros;
use super::update::zero;
use crate::kernels::portable;
use crate::weights::{Found, Read, Weight, find};
use crate::{Error, Failed, Selection};

/// Which entries of one weight are kept.
#[derive(Debug, Clone)]
pub struct Mask {
    weight: Arc<Weight>,
    pruned: Tensor<1, Bool>,
    kept: usize,
    /// Tells this choice from any other, in a model's graph as the id of the mask's parameter.
    stamp: ParamId,
}

impl Mask {
    /// `pruned` has shape `[n]` and is false for `kept` of its entries.
    pub(crate) fn new(weight: Arc<Weight>, pruned: Tensor<1, Bool>, kept: usize) -> Self {
        Self {
            weight,
            pruned,
            kept,
            stamp: ParamId::new(),
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
        let weight = Weight::new(path, shape, DType::F32, device);
        let pruned: Vec<bool> = kept.iter().map(|kept| !kept).collect();
        let pruned = Tensor::from_data(TensorData::new(pruned, [kept.len()]), device);
        let kept = kept.iter().filter(|&&kept| kept).count();
        Ok(Self::new(Arc::new(weight), pruned, kept))
    }

    /// The weight that is masked.
    pub fn weight(&self) -> &Arc<Weight> {
        &self.weight
    }

    /// Where the weight is in the module.
    pub fn path(&self) -> &str {
        self.weight.path()
    }

    /// The weight's shape.
    pub fn shape(&self) -> &[usize] {
        self.weight.shape()
    }

    /// What is pruned, row-major, shape `[n]`.
    pub fn pruned(&self) -> &Tensor<1, Bool> {
        &self.pruned
    }

    /// How many entries are kept.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// How many entries the weight has.
    pub fn total(&self) -> usize {
        self.weight.count()
    }

    /// Whether nothing is pruned.
    pub fn is_dense(&self) -> bool {
        self.kept == self.total()
    }

    pub(crate) fn stamp(&self) -> ParamId {
        self.stamp
    }

    pub(crate) fn into_parts(self) -> (Arc<Weight>, Tensor<1, Bool>) {
        (self.weight, self.pruned)
    }

    /// This mask on another device, as the same choice.
    pub(crate) fn to_device(&self, device: &Device) -> Self {
        Self {
            weight: Arc::new(self.weight.on(device)),
            pruned: self.pruned.clone().to_device(device),
            ..self.clone()
        }
    }

    /// Whether each entry is kept, row-major, on the host.
    pub fn to_vec(&self) -> Vec<bool> {
        let pruned = portable::bools(&self.pruned);
        pruned.into_iter().map(|pruned| !pruned).collect()
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
        match masks.iter().find(|mask| !paths.insert(mask.path())) {
            Some(mask) => Err(Error::MaskedTwice {
                path: mask.path().to_string(),
            }),
            None => Ok(Self::new(masks)),
        }
    }

    /// The masks that `model`'s selected weights have now: what a mask in the graph prunes, and
    /// exact zeros by [`Zeros::Pruned`].
    ///
    /// # Errors
    ///
    /// [`Error::NothingSelected`], [`Error::NothingLeftOut`] or [`Error::Quantized`].
    pub fn of_model<M: Module>(model: &M, selection: &Selection) -> Result<Self, Error> {
        let (selected, _) = selection.split(find(model, Read::Value))?;
        Ok(Self::of_found(&selected, |_| Zeros::Pruned))
    }

    /// The masks of weights that were found with their values.
    pub(crate) fn of_found(found: &[Found], zeros: impl Fn(&Found) -> Zeros) -> Self {
        let mask = |found: &Found| {
            let total = found.weight.count();
            let masked = found.pruned.as_ref().map(|(_, pruned)| pruned.clone());
            let (pruned, kept) = match (zeros(found), masked) {
                (Zeros::Trained, None) => (nothing(found), total),
                (Zeros::Trained, Some(masked)) => {
                    let pruned = masked.clone().int().sum().into_scalar::<i64>();
                    (masked, total - pruned as usize)
                }
                (zeros, masked) => match count_nonzero(found) {
                    0 if masked.is_none() && zeros == Zeros::Pruned => (nothing(found), total),
                    kept => (zeros_of(found), kept),
                },
            };
            Mask::new(found.weight.clone(), pruned, kept)
        };
        Self::new(found.iter().map(mask).collect())
    }

    /// Masks that keep everything.
    pub(crate) fn dense(weights: impl IntoIterator<Item = Arc<Weight>>) -> Self {
        let mask = |weight: Arc<Weight>| {
            let zeros = Tensor::<1>::zeros([weight.count()], weight.device());
            let total = weight.count();
            Mask::new(weight, zeros.bool(), total)
        };
        Self::new(weights.into_iter().map(mask).collect())
    }

    pub(crate) fn into_masks(self) -> Vec<Mask> {
        self.masks
    }

    /// The same masks, of these weights in the same order.
    pub(crate) fn described_by(mut self, weights: &[Arc<Weight>]) -> Self {
        for (mask, weight) in self.masks.iter_mut().zip(weights) {
            mask.weight = weight.clone();
        }
        self
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
        self.masks.iter().find(|mask| mask.path() == path)
    }

    /// Where the mask of the weight at `path` is.
    pub(crate) fn position(&self, path: &str) -> Option<usize> {
        self.masks.iter().position(|mask| mask.path() == path)
    }

    /// The mask of the weight at `path`, checked against its shape.
    pub(crate) fn find(&self, path: &str, shape: &[usize]) -> Result<&Mask, Error> {
        let mask = self.get(path).ok_or_else(|| Error::WeightAdded {
            path: path.to_string(),
        })?;
        if mask.shape() != shape {
            return Err(Error::ShapeMismatch {
                what: "mask",
                path: path.to_string(),
                expected: shape.to_vec(),
                found: mask.shape().to_vec(),
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

    /// The share of weights that are pruned.
    pub fn sparsity(&self) -> f64 {
        match self.total() {
            0 => 0.0,
            total => (total - self.kept()) as f64 / total as f64,
        }
    }

    /// Sets what the masks prune to exactly 0 in the stored weights of `model`.
    ///
    /// Also after merging a LoRA adapter into a pruned base, which fills the zeros in.
    ///
    /// # Errors
    ///
    /// [`Error::WeightMissing`], [`Error::ShapeMismatch`] or [`Error::Quantized`] for a model that
    /// the masks do not fit; with the model as it was.
    pub fn apply<M: Module>(&self, model: M) -> Result<M, Failed<M>> {
        match self.check(&find(&model, Read::Description)) {
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
            let found = all.iter().find(|found| found.path() == mask.path());
            let found = found.ok_or_else(|| Error::WeightMissing {
                path: mask.path().to_string(),
            })?;
            if found.weight.shape() != mask.shape() {
                return Err(Error::ShapeMismatch {
                    what: "value",
                    path: mask.path().to_string(),
                    expected: mask.shape().to_vec(),
                    found: found.weight.shape().to_vec(),
                });
            }
            found.weight.check_float()?;
        }
        Ok(())
    }
}

/// How many entries of the effective weight are not exactly 0.
pub(crate) fn count_nonzero(found: &Found) -> usize {
    let zeros = zeros_of(found).int().sum().into_scalar::<i64>();
    found.weight.count() - zeros as usize
}

/// Nothing is pruned, shape `[n]`.
fn nothing(found: &Found) -> Tensor<1, Bool> {
    let zeros = Tensor::<1>::zeros([found.weight.count()], found.weight.device());
    zeros.bool()
}

/// Where the effective weight is exactly 0, shape `[n]`.
fn zeros_of(found: &Found) -> Tensor<1, Bool> {
    let value = found
        .value
        .as_ref()
        .expect("a selected weight should be float")
        .flat();
    let zero = value.equal_scalar(0.0f32);
    match &found.pruned {
        Some((_, pruned)) => zero.bool_or(pruned.clone()),
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
