//! Inputs without rows, at which the products of flex and ndarray may panic.

use burn::tensor::Tensor;

use super::SparseLinear;
use super::linear::apply;

/// The layer's output for an input without rows; none for any other input.
pub(super) fn empty<const D: usize>(layer: &SparseLinear, input: &Tensor<D>) -> Option<Tensor<D>> {
    let [inputs, outputs] = layer.weight.lazy_shape().dims();
    let mut dims = input.dims();
    let rows: usize = dims[..D - 1].iter().product();
    if rows > 0 || dims[D - 1] != inputs {
        return None;
    }
    if layer.is_packed() && !input.is_autodiff() {
        dims[D - 1] = outputs;
        return Some(Tensor::zeros(dims, (&input.device(), input.dtype())));
    }
    // There are no values: any operations do that have the shape, and the parameters in their
    // graph, so that gradients are 0 rather than missing. Not `reshape`, to which 0 is a size to
    // copy.
    let weight = layer.weight.val().sum_dim(0).unsqueeze();
    let product = input.clone().sum_dim(D - 1) * weight;
    let output = match &layer.bias {
        Some(bias) => product + bias.val().unsqueeze(),
        None => product,
    };
    Some(apply(layer.activation, output))
}
