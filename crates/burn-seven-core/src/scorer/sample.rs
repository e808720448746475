//! What a scorer sees of one weight at one step.

use std::cell::RefCell;

use burn::tensor::{Bool, Tensor};

use crate::kernels::{Histogram, Kernels, SevenStep, SevenTensors};
use crate::weights::{Inputs, Weight};
use crate::{Error, WeightGrad};

/// One weight tensor at one step, as [`Scorer::update`](crate::Scorer::update) sees it.
///
/// Tensors are made when they are asked for: float32, row-major, shape `[n]`, outside autodiff.
pub struct Sample<'a> {
    entry: &'a WeightGrad,
    index: usize,
    kernels: &'a dyn Kernels,
    counts: RefCell<Counts<'a>>,
}

/// Where new scores may be counted while they are made, and whether they were.
struct Counts<'a> {
    histogram: Option<&'a mut Histogram>,
    counted: bool,
}

impl<'a> Sample<'a> {
    /// Made by the library.
    #[doc(hidden)]
    pub fn new(
        entry: &'a WeightGrad,
        index: usize,
        kernels: &'a dyn Kernels,
        histogram: Option<&'a mut Histogram>,
    ) -> Self {
        let counts = Counts {
            histogram,
            counted: false,
        };
        Self {
            entry,
            index,
            kernels,
            counts: RefCell::new(counts),
        }
    }

    /// The weight as the model uses it: 0 where it is pruned. Of a scorer whose pruned weights come
    /// back, the stored value.
    pub fn weight(&self) -> Tensor<1> {
        self.entry.value()
    }

    /// The stored weight, whatever is pruned: cheaper than [`weight`](Self::weight), and as good for
    /// a score of an entry that depends on that entry alone, since no score of what is pruned for
    /// good is looked at.
    pub fn stored_weight(&self) -> Tensor<1> {
        self.entry.stored().floats()
    }

    /// The gradient that the scorer [reads](crate::Scorer::reads); 0 where there is none.
    pub fn grad(&self) -> Tensor<1> {
        match self.entry.grad() {
            Some(grad) => grad,
            None => self.zeros(),
        }
    }

    /// What is pruned for good; none where nothing is known to be.
    pub fn pruned(&self) -> Option<&Tensor<1, Bool>> {
        self.entry.pruned()
    }

    /// What enters the weight's layer; there for a scorer that reads it.
    pub fn inputs(&self) -> Option<&Inputs> {
        self.entry.inputs()
    }

    /// What the weight is like: path, shape, type, device, layer.
    pub fn description(&self) -> &Weight {
        self.entry.weight()
    }

    /// Which of the selected weights it is, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// A statistic of 0 for each entry.
    pub fn zeros(&self) -> Tensor<1> {
        let weight = self.description();
        let float = (weight.device(), burn::tensor::DType::F32);
        Tensor::zeros([weight.count()], float)
    }

    /// SEVEN's update by the backend's own kernel; the step itself where there is none. With `count`
    /// the new scores may be counted in the same pass.
    pub(super) fn seven(
        &self,
        step: SevenStep,
        count: bool,
    ) -> Result<SevenTensors, Box<SevenStep>> {
        let mut counts = self.counts.borrow_mut();
        let histogram = counts.histogram.as_deref_mut().filter(|_| count);
        let updated = self.kernels.seven(step, histogram)?;
        counts.counted = updated.counted;
        Ok(updated.state)
    }

    /// Whether the new scores were counted.
    #[doc(hidden)]
    pub fn was_counted(self) -> bool {
        self.counts.into_inner().counted
    }
}

/// Checks that the scores of a weight are as many as its entries.
pub(crate) fn check_length(weight: &Weight, scores: &Tensor<1>) -> Result<(), Error> {
    let found = scores.shape().to_vec();
    match found == [weight.count()] {
        true => Ok(()),
        false => Err(Error::ShapeMismatch {
            what: "score",
            path: weight.path().to_string(),
            expected: vec![weight.count()],
            found,
        }),
    }
}
