//! Each prunable weight with its gradient.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Bool, DType, Device, Tensor};

use super::{Found, LeftOut, Selection, Take, Values, find};
use crate::Error;

/// One weight and its gradient at one step.
///
/// It holds handles; masking and conversion to float32 happen when values are asked for, one
/// weight at a time.
#[derive(Debug, Clone)]
pub struct WeightGrad {
    path: String,
    shape: Vec<usize>,
    dtype: DType,
    /// As stored: of any float type and layout, and whatever the mask drops.
    weight: Values,
    grad: Option<Values>,
    dropped: Option<Tensor<1, Bool>>,
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
        let path = path.into();
        let dtype = weight.dtype();
        if !dtype.is_float() {
            return Err(Error::Quantized {
                path,
                dtype: format!("{dtype:?}"),
            });
        }
        let shape = weight.shape().to_vec();
        let grad = grad.map(|grad| (grad.shape().to_vec(), Values::of(grad)));
        Self::checked(path, shape, dtype, Values::of(weight), grad, None)
    }

    fn checked(
        path: String,
        shape: Vec<usize>,
        dtype: DType,
        weight: Values,
        grad: Option<(Vec<usize>, Values)>,
        dropped: Option<Tensor<1, Bool>>,
    ) -> Result<Self, Error> {
        let grad = match grad {
            Some((found, _)) if found != shape => {
                return Err(Error::ShapeMismatch {
                    what: "gradient",
                    path,
                    expected: shape,
                    found,
                });
            }
            grad => grad.map(|(_, grad)| grad),
        };
        Ok(Self {
            path,
            shape,
            dtype,
            weight,
            grad,
            dropped,
        })
    }

    /// Where the weight is in the module, such as `encoder.layers.0.mha.query.weight`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The weight's shape in the module.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The weight's data type in the module.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The weight's values as the model uses them, with 0 for what its mask drops: float32,
    /// row-major, shape `[n]`.
    pub fn weight(&self) -> Tensor<1> {
        let weight = self.weight.floats();
        match &self.dropped {
            Some(dropped) => weight.mask_fill(dropped.clone(), 0.0),
            None => weight,
        }
    }

    /// The gradient's values, float32, row-major, shape `[n]`, if the weight has one.
    pub fn grad(&self) -> Option<Tensor<1>> {
        self.grad.as_ref().map(Values::floats)
    }

    /// What is pruned and does not return, shape `[n]`; none where nothing is known to be.
    pub fn dropped(&self) -> Option<&Tensor<1, Bool>> {
        self.dropped.as_ref()
    }

    /// Where the weight is.
    pub fn device(&self) -> Device {
        self.weight.device()
    }

    pub(crate) fn with_dropped(mut self, dropped: Option<Tensor<1, Bool>>) -> Self {
        self.dropped = dropped;
        self
    }

    /// The weight as it is stored.
    pub(crate) fn stored(&self) -> &Values {
        &self.weight
    }

    /// The gradient as it is stored.
    pub(crate) fn stored_grad(&self) -> Option<&Values> {
        self.grad.as_ref()
    }

    /// The weight whatever is dropped, the gradient (0 where there is none), both float32, and what
    /// is dropped.
    pub(crate) fn into_parts(self) -> (Tensor<1>, Tensor<1>, Option<Tensor<1, Bool>>) {
        let weight = self.weight.floats();
        let grad = match &self.grad {
            Some(grad) => grad.floats(),
            None => weight.zeros_like(),
        };
        (weight, grad, self.dropped)
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
    /// [`Error::NothingSelected`], [`Error::NothingLeftOut`], [`Error::Quantized`], or [`Error::ShapeMismatch`] for a gradient
    /// of another shape than its weight. A missing gradient is an error only for a scorer that
    /// needs one, when it is updated.
    pub fn select<M: Module>(
        model: &M,
        grads: &GradientsParams,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let (selected, _): (_, Vec<LeftOut>) =
            selection.split(find(model, Take::Gradient(grads)))?;
        Self::of_found(selected, true)
    }

    /// From weights made by hand.
    pub fn from_entries(entries: Vec<WeightGrad>) -> Self {
        Self { entries }
    }

    /// `effective` takes masked weights as 0; else the stored values are taken.
    pub(crate) fn of_found(found: Vec<Found>, effective: bool) -> Result<Self, Error> {
        let entries = found
            .into_iter()
            .map(|found| {
                let value = found.value.expect("a selected weight should be float");
                let dropped = found.dropped.filter(|_| effective);
                let (path, shape, dtype) = (found.path, found.shape, found.dtype);
                WeightGrad::checked(path, shape, dtype, value, found.grad, dropped)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
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
}
