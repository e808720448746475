//! When a new layer's weights are drawn.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Draws what is still to be drawn of a model's weights. Burn does so when they are first looked
/// at, which would be after the first dropout in one run and before it in another.
pub(super) fn draw<M: Module>(model: &M) {
    model.visit(&mut Draw);
}

struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let _ = param.base();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::LinearConfig;

    #[test]
    fn a_new_layer_is_drawn_at_once() {
        let linear = LinearConfig::new(2, 3).init(&burn_seven::device());
        assert!(!linear.weight.is_initialized());
        draw(&linear);
        assert!(linear.weight.is_initialized());
    }
}
