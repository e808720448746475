//! New values for a parameter.

use burn::module::Param;
use burn::tensor::Tensor;

/// `param` with what `change` makes of its stored values, outside the graph: a new leaf, which is
/// trained if the old one was.
pub fn rewrite<const D: usize>(
    param: Param<Tensor<D>>,
    change: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Param<Tensor<D>> {
    let id = param.id;
    param.map(|old| {
        let require_grad = old.is_require_grad();
        let strategy = old.gradient_checkpointing_strategy();
        // Burn panics at the question outside autodiff.
        let distributed = strategy.is_some() && old.is_distributed();
        let new = change(old.without_autodiff());
        let new = match strategy {
            Some(strategy) => new
                .autodiff()
                .with_gradient_checkpointing_strategy(strategy),
            None => new,
        };
        let new = match require_grad {
            true => new.require_grad(),
            false => new,
        };
        // Its gradient is summed over all replicas in the backward pass.
        match distributed {
            true => new.set_distributed(id),
            false => new,
        }
    })
}
