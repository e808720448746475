//! Gradients of several devices, summed on the model's.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, MultiGradientsParams};
use burn::tensor::Tensor;

/// The sum of all gradients of each parameter of `model`, in the order of the devices, where the
/// parameter is.
pub(crate) fn gather<M: Module>(model: &M, grads: MultiGradientsParams) -> GradientsParams {
    let mut gather = Gather {
        grads: grads.grads.into_iter().map(|(grads, _)| grads).collect(),
        sums: GradientsParams::new(),
    };
    model.visit(&mut gather);
    gather.sums
}

struct Gather {
    grads: Vec<GradientsParams>,
    sums: GradientsParams,
}

impl ModuleVisitor for Gather {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let device = param.base().without_autodiff().device();
        let grads = self.grads.iter_mut();
        let grads = grads.filter_map(|grads| grads.remove::<D>(param.id));
        let grads = grads.map(|grad| grad.to_device(&device));
        if let Some(sum) = grads.reduce(|sum, grad| sum + grad) {
            self.sums.register(param.id, sum);
        }
    }
}
