//! LoRA on a model that was pruned before: what the masks drop stays 0, also after merging.

use burn::module::{Module, Param, ParamGroup, Reparameterization, Reparameterizer};
use burn::tensor::{Bool, Distribution, Tensor};
use burn_seven::Masks;

/// Rank of the adapters.
const RANK: usize = 8;
/// Scale of `a @ b`: LoRA's alpha over its rank.
const SCALE: f64 = 2.0;

/// A low-rank adapter under a mask: `(base + scale · a @ b)`, with 0 for what is pruned.
///
/// Reparameterizations do not nest, so the mask is the adapter's own. `materialize` merges both:
/// a plain weight whose pruned entries are exactly 0.
#[derive(Module, Debug)]
pub struct MaskedLora {
    /// Shape `[in, rank]`.
    pub a: Param<Tensor<2>>,
    /// Shape `[rank, out]`, 0 at the start.
    pub b: Param<Tensor<2>>,
    /// What is pruned, shape `[in · out]`.
    pub pruned: Param<Tensor<1, Bool>>,
    /// Scale of the product.
    pub scale: f64,
}

impl Reparameterization for MaskedLora {
    const NAME: &'static str = "masked_lora";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let shape = base.shape();
        let delta = self.a.val().matmul(self.b.val()).mul_scalar(self.scale);
        let pruned: Tensor<D, Bool> = self.pruned.val().reshape(shape.clone());
        (base + delta.reshape(shape)).mask_fill(pruned, 0.0)
    }
}

/// Freezes all of `model` but its head, and puts adapters on the matrices that `masks` prune.
pub fn attach<M: Module>(model: M, masks: &Masks) -> M {
    model.apply_reparameterization(Attach {
        masks,
        trained: ParamGroup::from_paths(vec!["head.weight", "head.bias"]),
    })
}

struct Attach<'a> {
    masks: &'a Masks,
    trained: ParamGroup,
}

impl Reparameterizer for Attach<'_> {
    type Reparam = MaskedLora;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<MaskedLora>) {
        if self.trained.matches(&param.id, Some(path)) {
            return (param, None);
        }
        let base = param.set_require_grad(false);
        let mask = match self.masks.get(path) {
            Some(mask) if D == 2 => mask,
            _ => return (base, None),
        };
        let (device, shape) = (base.base().device(), mask.shape());
        let noise = Distribution::Normal(0.0, 1.0 / RANK as f64);
        let adapter = MaskedLora {
            a: Param::from_tensor(Tensor::random([shape[0], RANK], noise, &device)),
            b: Param::from_tensor(Tensor::zeros([RANK, shape[1]], &device)),
            pruned: Param::initialized(burn::module::ParamId::new(), mask.pruned().clone()),
            scale: SCALE,
        };
        (base, Some(adapter))
    }
}
