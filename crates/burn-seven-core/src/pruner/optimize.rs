//! The optimizer's step with the pruner's, in the right order.

use burn::module::{Module, Param};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;

use super::moments::reset_moments;
use super::settings::Clipping;
use super::{MaskMode, Pruner};
use crate::Failed;
use crate::mask::Masks;
use crate::weights::walk::{Visit, visit};

impl Pruner {
    /// One training step: [`step`](Self::step), the optimizer's, and [`after_step`](Self::after_step),
    /// in the place of `optim.step(lr, model, grads)`.
    ///
    /// Beyond calling the three in order:
    ///
    /// - A step that is [left out of the scores](crate::NonFinitePolicy::Skip) is left out of the
    ///   weights too.
    /// - Where pruned weights get a gradient for their scores alone
    ///   ([`Regrowth::WithOldValue`](crate::scorer::Regrowth), `FromZero`), the optimizer is given 0;
    ///   with old values for what was pruned in the forward pass, else for what is pruned now.
    /// - The scorer sees gradients clipped as the optimizer will clip them, unless the pruner has a
    ///   clipping of its own.
    /// - A step that [drops and grows](crate::PrunerConfig::with_drop_and_grow) leaves the optimizer
    ///   out, as RigL does, and sets the optimizer's statistics of what grew to 0. They go through
    ///   the host for that.
    ///
    /// # Errors
    ///
    /// Those of [`step`](Self::step). Model, pruner and optimizer are as they were then, and the
    /// model is in the error.
    pub fn optimize<M: Module>(
        &mut self,
        optim: &mut ModuleOptimizer,
        learning_rate: impl Into<ModuleLearningRate>,
        model: M,
        grads: GradientsParams,
    ) -> Result<M, Failed<M>> {
        let learning_rate = learning_rate.into();
        self.optimize_by(optim, model, grads, |optim, model, grads| {
            optim.step(learning_rate, model, grads)
        })
    }

    /// [`optimize`](Self::optimize) with `step` in the place of `optim.step(lr, model, grads)`: for a
    /// model that does more than that at the optimizer's step. It is not called at a step that leaves
    /// the optimizer out.
    ///
    /// # Errors
    ///
    /// Those of `optimize`.
    pub fn optimize_by<M: Module>(
        &mut self,
        optim: &mut ModuleOptimizer,
        model: M,
        grads: GradientsParams,
        step: impl FnOnce(&mut ModuleOptimizer, M, GradientsParams) -> M,
    ) -> Result<M, Failed<M>> {
        let own = self.settings.clipping.is_some();
        if !own && optim.has_gradient_clipping() {
            self.settings.clipping = optim.grad_clipping().cloned().map(Clipping);
        }
        let grows = self.settings.drop_and_grow.is_some() && self.chooses_next();
        // Handles on masks keep new ones from being written over them.
        let before = grows.then(|| self.masks.clone());
        let stepped = self.step(model, &grads);
        if !own {
            self.settings.clipping = None;
        }
        let model = stepped?;
        // Also at a skipped step, where masks are chosen by the scores so far.
        if let Some(before) = before {
            match reset_moments(optim, &model, &before, &self.masks) {
                Ok(reset) => *optim = reset,
                Err(error) => log::warn!("the optimizer's statistics were not reset: {error}"),
            }
            return self.after_step(model);
        }
        if self.skipped_last {
            return self.after_step(model);
        }
        let grads = self.mask_gradients(&model, grads);
        let model = step(optim, model, grads);
        self.after_step(model)
    }

    /// The gradients as the optimizer should get them: 0 for pruned weights where these get one for
    /// their scores alone, else as they are. [`optimize`](Self::optimize) does it by itself.
    pub fn mask_gradients<M: Module>(&self, model: &M, grads: GradientsParams) -> GradientsParams {
        let blocks = self.scorer.regrowth().blocks_optimizer();
        let in_graph = self.settings.mode == MaskMode::InGraph;
        let masks = self.forward.as_ref().unwrap_or(&self.masks);
        if !blocks || !in_graph || masks.kept() == masks.total() {
            return grads;
        }
        let mut masking = Masking { masks, grads };
        visit(model, &mut masking);
        masking.grads
    }
}

struct Masking<'a> {
    masks: &'a Masks,
    grads: GradientsParams,
}

impl Visit for Masking<'_> {
    fn weight<const D: usize>(&mut self, path: &str, _: Option<&str>, param: &Param<Tensor<D>>) {
        let Some(mask) = self.masks.get(path) else {
            return;
        };
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            let pruned = mask.pruned().clone().reshape(grad.shape());
            self.grads.register(param.id, grad.mask_fill(pruned, 0.0));
        }
    }
}
