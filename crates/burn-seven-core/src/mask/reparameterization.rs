//! A mask in Burn's autodiff graph.

use burn::module::{Module, Param, Reparameterization};
use burn::tensor::{Bool, Tensor};

use crate::weights::PRUNING_MASK;

/// A pruning mask on a weight: its pruned entries are exactly 0 in the effective weight, whatever
/// the stored value is.
///
/// It is a Burn [`Reparameterization`], so records, device moves, validation and
/// [`Module::materialize`] take care of it.
#[derive(Module, Debug)]
pub struct PruningMask {
    /// What is pruned, flat in row-major order, shape `[n]`.
    pub pruned: Param<Tensor<1, Bool>>,
    /// Whether pruned entries get the gradient that they would have as kept ones of value 0.
    pub dense_gradient: bool,
}

impl Reparameterization for PruningMask {
    const NAME: &'static str = PRUNING_MASK;

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let pruned: Tensor<D, Bool> = self.pruned.val().reshape(base.shape());
        if self.dense_gradient {
            // w - w is exactly 0 where pruned, w - 0 exactly w elsewhere; the second term is a
            // constant, so the gradient reaches every entry of w.
            let kept = pruned.bool_not();
            base.clone() - base.detach().mask_fill(kept, 0.0)
        } else {
            base.mask_fill(pruned, 0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn masked(dense_gradient: bool) -> (Vec<f32>, Vec<f32>) {
        let device = Device::default().autodiff();
        let weight = Tensor::<2>::from_floats([[1.0, -2.0], [3.0, -4.0]], &device).require_grad();
        let pruned = Tensor::<1, Bool>::from_data([false, true, true, false], &device);
        let mask = PruningMask {
            pruned: Param::initialized(burn::module::ParamId::new(), pruned),
            dense_gradient,
        };
        let factors = Tensor::<2>::from_floats([[10.0, 20.0], [30.0, 40.0]], &device);
        let effective = mask.apply(weight.clone());
        let grads = (effective.clone() * factors).sum().backward();
        let values = |tensor: Tensor<2>| tensor.try_into_vec_as::<f32>().unwrap();
        (values(effective), values(weight.grad(&grads).unwrap()))
    }

    // d/dw of Σ f·w is f; pruned entries get 0 under the mask, or f with the dense gradient.
    #[test]
    fn pruned_entries_are_zero_and_get_no_gradient() {
        let (values, grads) = masked(false);
        assert_eq!(values, [1.0, 0.0, 0.0, -4.0]);
        assert!(
            values
                .iter()
                .all(|value| value.to_bits() != (-0.0f32).to_bits())
        );
        assert_eq!(grads, [10.0, 0.0, 0.0, 40.0]);
    }

    #[test]
    fn the_dense_gradient_reaches_pruned_entries() {
        let (values, grads) = masked(true);
        assert_eq!(values, [1.0, 0.0, 0.0, -4.0]);
        assert_eq!(grads, [10.0, 20.0, 30.0, 40.0]);
    }
}
