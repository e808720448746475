//! The pruned model in Burn's trainer: steps of training and validation, and the optimizer's.

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn_train::{InferenceStep, TrainOutput, TrainStep};

use crate::Pruned;
use crate::gather::gather;
use crate::pruned::{follow, lock, newest};

impl<M: Module + TrainStep> TrainStep for Pruned<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> TrainOutput<Self::Output> {
        TrainStep::step(&self.model, item)
    }

    /// [`Pruner::optimize`](burn_seven_core::Pruner::optimize), with the model's own `optimize` for
    /// the optimizer's step.
    fn optimize(
        self,
        optim: &mut ModuleOptimizer,
        learning_rate: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        if self.monitor.error().is_some() {
            return self;
        }
        let Self {
            model,
            pruner: shared,
            step,
            device,
            monitor,
        } = self;
        let mut pruner = lock(&shared);
        let ready = follow(&mut pruner, device.as_ref()).and_then(|()| newest(&pruner, step));
        let (model, error) = match ready {
            Err(error) => (model, Some(error)),
            Ok(()) => {
                let counts = monitor.is_watched() && pruner.chooses_next();
                let before = counts.then(|| pruner.masks().clone());
                let optimized = pruner.optimize_by(optim, model, grads, |optim, model, grads| {
                    model.optimize(optim, learning_rate, grads)
                });
                match optimized {
                    Ok(model) => {
                        monitor.update(&pruner, before.as_ref());
                        (model, None)
                    }
                    Err(failed) => {
                        let (model, error) = failed.into_parts();
                        (model, Some(error))
                    }
                }
            }
        };
        let step = match error {
            None => pruner.steps(),
            Some(error) => {
                monitor.fail(error);
                step
            }
        };
        drop(pruner);
        Self {
            model,
            pruner: shared,
            step,
            device,
            monitor,
        }
    }

    /// [`optimize`](TrainStep::optimize) with the sum of the gradients, on the model's device: scores
    /// and masks need all of them in one place, so the optimizer is not sharded.
    fn optimize_multi(
        self,
        optim: &mut ModuleOptimizer,
        learning_rate: ModuleLearningRate,
        grads: MultiGradientsParams,
    ) -> Self {
        let grads = gather(&self.model, grads);
        self.optimize(optim, learning_rate, grads)
    }
}

impl<M: Module + InferenceStep> InferenceStep for Pruned<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> Self::Output {
        InferenceStep::step(&self.model, item)
    }
}
