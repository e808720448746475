//! Each prunable weight with its gradient.

use std::sync::Arc;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Tensor};

use super::{Found, Inputs, Read, Selection, Values, Weight, find};
use crate::Error;

/// One weight and its gradient at one step.
///
/// It holds handles; masking and conversion to float32 happen when values are asked for, one
/// weight at a time.
#[derive(Debug, Clone)]
pub struct WeightGrad {
    weight: Arc<Weight>,
    /// As stored: of any float type and layout, and whatever the mask prunes.
    value: Values,
    grad: Option<Values>,
    pruned: Option<Tensor<1, Bool>>,
    inputs: Option<Inputs>,
}

impl WeightGrad {
    /// A weight by hand, for training code that keeps its weights outside Burn modules.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when weight and gradient differ in shape, [`Error::Quantized`] for
    /// a quantized weight.
    pub fn new<const D: usize>(
        path: impl Into<String>,
        weight: Tensor<D>,
        grad: Option<Tensor<D>>,
    ) -> Result<Self, Error> {
        let described = Weight::new(
            path,
            weight.shape().to_vec(),
            weight.dtype(),
            &weight.device().without_autodiff(),
        );
        described.check_float()?;
        let grad = grad.map(|grad| (grad.shape().to_vec(), Values::of(grad)));
        Self::checked(Arc::new(described), Values::of(weight), grad, None)
    }

    fn checked(
        weight: Arc<Weight>,
        value: Values,
        grad: Option<(Vec<usize>, Values)>,
        pruned: Option<Tensor<1, Bool>>,
    ) -> Result<Self, Error> {
        let grad = match grad {
            Some((found, _)) if found != weight.shape() => {
                return Err(Error::ShapeMismatch {
                    what: "gradient",
                    path: weight.path().to_string(),
                    expected: weight.shape().to_vec(),
                    found,
                });
            }
            grad => grad.map(|(_, grad)| grad),
        };
        Ok(Self {
            weight,
            value,
            grad,
            pruned,
            inputs: None,
        })
    }

    /// A weight of zeros with a gradient of zeros.
    pub(crate) fn of_zeros(weight: Arc<Weight>, zeros: Tensor<1>, inputs: Inputs) -> Self {
        Self {
            weight,
            value: Values::of(zeros.clone()),
            grad: Some(Values::of(zeros)),
            pruned: None,
            inputs: Some(inputs),
        }
    }

    /// With what entered the weight's layer, for scorers that read it.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] unless there is a number for each input.
    pub fn with_inputs(mut self, inputs: Inputs) -> Result<Self, Error> {
        let expected = self.weight.shape().get(self.weight.input_dim()).copied();
        let found = inputs.squares.shape().to_vec();
        if expected.map(|count| vec![count]) != Some(found.clone()) {
            return Err(Error::ShapeMismatch {
                what: "inputs",
                path: self.weight.path().to_string(),
                expected: expected.into_iter().collect(),
                found,
            });
        }
        self.inputs = Some(inputs);
        Ok(self)
    }

    /// What the weight is like.
    pub fn weight(&self) -> &Arc<Weight> {
        &self.weight
    }

    /// The weight's values as the model uses them, with 0 for what its mask prunes: float32,
    /// row-major, shape `[n]`.
    pub fn value(&self) -> Tensor<1> {
        let value = self.value.floats();
        match &self.pruned {
            Some(pruned) => value.mask_fill(pruned.clone(), 0.0),
            None => value,
        }
    }

    /// The gradient's values, float32, row-major, shape `[n]`, if the weight has one.
    pub fn grad(&self) -> Option<Tensor<1>> {
        self.grad.as_ref().map(Values::floats)
    }

    /// What is pruned, shape `[n]`; none where nothing is known to be.
    pub fn pruned(&self) -> Option<&Tensor<1, Bool>> {
        self.pruned.as_ref()
    }

    /// What entered the weight's layer, where it was given.
    pub fn inputs(&self) -> Option<&Inputs> {
        self.inputs.as_ref()
    }

    pub(crate) fn with_pruned(mut self, pruned: Option<Tensor<1, Bool>>) -> Self {
        self.pruned = pruned;
        self
    }

    /// With the gradient through `change`.
    pub(crate) fn with_grad(mut self, grad: Option<Values>) -> Self {
        self.grad = grad;
        self
    }

    /// The weight as it is stored.
    pub(crate) fn stored(&self) -> &Values {
        &self.value
    }

    /// The gradient as it is stored.
    pub(crate) fn stored_grad(&self) -> Option<&Values> {
        self.grad.as_ref()
    }
}

/// The selected weights of a model with their gradients, in the model's order.
///
/// The tensors are handles: nothing is copied yet.
#[derive(Debug, Clone)]
pub struct WeightGrads {
    entries: Vec<WeightGrad>,
}

impl WeightGrads {
    /// All weights of rank 2 and more but embeddings, as [`Selection::new`] selects them.
    ///
    /// A weight under a pruning mask is taken as the model uses it: pruned entries are 0.
    ///
    /// # Errors
    ///
    /// See [`select`](Self::select).
    pub fn new<M: Module>(model: &M, grads: &GradientsParams) -> Result<Self, Error> {
        Self::select(model, grads, &Selection::new())
    }

    /// The weights of `model` that `selection` selects, with their gradients.
    ///
    /// # Errors
    ///
    /// [`Error::NothingSelected`], [`Error::NothingLeftOut`], [`Error::Quantized`], or
    /// [`Error::ShapeMismatch`] for a gradient of another shape than its weight. A missing gradient
    /// is an error only for a scorer that reads it, when it is updated.
    pub fn select<M: Module>(
        model: &M,
        grads: &GradientsParams,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let (selected, _) = selection.split(find(model, Read::Gradient(grads)))?;
        Self::of_found(selected)
    }

    /// From weights made by hand.
    pub fn from_entries(entries: Vec<WeightGrad>) -> Self {
        Self { entries }
    }

    pub(crate) fn of_found(found: Vec<Found>) -> Result<Self, Error> {
        let entry = |found: Found| {
            let value = found.value.expect("a selected weight should be float");
            let pruned = found.pruned.map(|(_, pruned)| pruned);
            WeightGrad::checked(found.weight, value, found.grad, pruned)
        };
        let entries = found.into_iter().map(entry);
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The weights, in the model's order.
    pub fn iter(&self) -> std::slice::Iter<'_, WeightGrad> {
        self.entries.iter()
    }

    /// How many weight tensors there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn into_entries(self) -> Vec<WeightGrad> {
        self.entries
    }

    /// What the weights are like, in the model's order.
    pub(crate) fn weights(&self) -> Vec<Arc<Weight>> {
        let weights = self.iter().map(|entry| entry.weight.clone());
        weights.collect()
    }
}
