//! The norm of many tensors together.

use burn::tensor::Tensor;

/// The largest absolute value and the Euclidean norm of all `tensors` together, which should be
/// finite. Squares are taken relative to the largest value, so that none is lost.
pub(super) fn largest_and_norm(tensors: &[Tensor<1>]) -> (f64, f64) {
    let scalar = |tensor: Tensor<1>| f64::from(tensor.into_scalar::<f32>());
    let largest = tensors
        .iter()
        .map(|tensor| scalar(tensor.clone().abs().max()))
        .fold(0.0, f64::max);
    if largest == 0.0 {
        return (0.0, 0.0);
    }
    let squares = tensors
        .iter()
        .map(|tensor| scalar(tensor.clone().div_scalar(largest).square().sum()));
    (largest, largest * squares.sum::<f64>().sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    // 3-4-5, also where squares are beyond float32's range at either end.
    #[test]
    fn the_norm_is_that_of_all_tensors_at_any_scale() {
        let device = Device::default();
        for scale in [1.0f32, 1e30, 1e-30] {
            let one = Tensor::<1>::from_floats([3.0 * scale, 0.0], &device);
            let other = Tensor::<1>::from_floats([-4.0 * scale], &device);
            let (largest, norm) = largest_and_norm(&[one, other]);
            assert_eq!(largest, f64::from(4.0 * scale));
            let expected = 5.0 * f64::from(scale);
            assert!((norm - expected).abs() <= 1e-6 * expected, "{norm}");
        }
        let zero = Tensor::<1>::zeros([2], &device);
        assert_eq!(largest_and_norm(&[zero]), (0.0, 0.0));
    }
}
