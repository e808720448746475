//! What enters the layer of a weight.

use burn::tensor::Tensor;

/// Statistics of what entered the layer of a weight, for scorers that
/// [read](crate::Reads::with_inputs) them.
///
/// A training step does not have them: whoever runs the model on calibration data gives them by
/// [`WeightGrad::with_inputs`](crate::WeightGrad::with_inputs).
#[derive(Debug, Clone)]
pub struct Inputs {
    /// For each input, the sum of its squares over all samples: float32, shape `[inputs]`.
    pub squares: Tensor<1>,
    /// How many samples (rows) there were.
    pub samples: usize,
}
