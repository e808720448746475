//! Pruning a model before it is fine-tuned (`SEVEN_pre`, SNIP and their kin).

use burn::module::Module;
use burn::optim::{LearningRate, ModuleOptimizer};
use burn::tensor::Tensor;

use super::{MaskMode, Pruner};
use crate::mask;
use crate::weights::{Found, PRUNING_MASK, Read, find};
use crate::{Error, Failed, Gradient};

impl Pruner {
    /// Runs the whole schedule before training, with frozen weights: each step takes the gradient
    /// of the masked model for one batch, updates the scores and chooses masks when they are due.
    /// After it the masks are fixed and fine-tuning starts from the weights as they came.
    ///
    /// The schedule says how: [`CubicSchedule::new(0..100, s)`](crate::CubicSchedule) is a hundred
    /// rounds, [`OneShotSchedule::new(99, s)`](crate::OneShotSchedule) one cut after a hundred. The
    /// masks are attached if they are not yet; running statistics, as of a batch normalization, are
    /// the model's own and move on with each batch; batches beyond the schedule's last step are not
    /// taken.
    ///
    /// Where the scorer needs [another gradient](Gradient) than the loss's it is computed here.
    /// [GraSP](crate::scorer::Grasp) keeps the batches until masks are due, and then calls `loss` three
    /// times for each, with the same dropout (and seeds the devices for it). For
    /// [SynFlow](crate::scorer::Synflow) `loss` gives the sum of the outputs; the model that it is
    /// called with has absolute weights, and running statistics of its own.
    ///
    /// ```
    /// # use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
    /// # use burn_seven_core::*;
    /// # #[derive(Module, Debug)]
    /// # struct Model { linear: Linear }
    /// # impl Model {
    /// #     fn loss(&self, batch: Tensor<2>) -> Tensor<1> { self.linear.forward(batch).square().mean() }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let device = Device::default().autodiff();
    /// # let model = Model { linear: LinearConfig::new(4, 4).init(&device) };
    /// # let batches = vec![Tensor::<2>::ones([2, 4], &device); 10];
    /// # let schedule = CubicSchedule::new(0..10, Sparsity::new(0.5)?);
    /// # let mut pruner = PrunerConfig::new(schedule).init(SevenScorerConfig::new().init(), &model)?;
    /// let model = pruner.prune_before_training(model, batches, |model, batch| model.loss(batch))?;
    /// # assert_eq!(pruner.finish(model)?.linear.weight.val().not_equal_scalar(0.0).int().sum().into_scalar::<i64>(), 8);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`step`](Self::step), and [`Error::NotEnoughBatches`]. Model and pruner are as they
    /// were then.
    pub fn prune_before_training<M: Module, B: Clone>(
        &mut self,
        model: M,
        batches: impl IntoIterator<Item = B>,
        loss: impl FnMut(&M, B) -> Tensor<1>,
    ) -> Result<M, Failed<M>> {
        self.pretrain(model, batches, loss, None)
    }

    /// [`prune_before_training`](Self::prune_before_training), but the weights are updated by an
    /// optimizer while scores are gathered, and rewound afterwards. The masks are those found on
    /// the way; the optimizer's state is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`prune_before_training`](Self::prune_before_training); [`Error::OtherGradient`] for
    /// a scorer of [absolute weights](Gradient::AbsoluteWeights), for which there is no loss.
    pub fn prune_before_training_rewound<M: Module, B: Clone>(
        &mut self,
        model: M,
        batches: impl IntoIterator<Item = B>,
        loss: impl FnMut(&M, B) -> Tensor<1>,
        learning_rate: LearningRate,
        optimizer: ModuleOptimizer,
    ) -> Result<M, Failed<M>> {
        self.pretrain(model, batches, loss, Some((learning_rate, optimizer)))
    }

    fn pretrain<M: Module, B: Clone>(
        &mut self,
        model: M,
        batches: impl IntoIterator<Item = B>,
        loss: impl FnMut(&M, B) -> Tensor<1>,
        optimizer: Option<(LearningRate, ModuleOptimizer)>,
    ) -> Result<M, Failed<M>> {
        let snapshot = self.clone();
        let original = model.clone();
        match self.rounds(model, batches, loss, optimizer) {
            Ok(model) => Ok(model),
            Err(error) => {
                *self = snapshot;
                Err(Failed::new(original, error))
            }
        }
    }

    fn rounds<M: Module, B: Clone>(
        &mut self,
        model: M,
        batches: impl IntoIterator<Item = B>,
        mut loss: impl FnMut(&M, B) -> Tensor<1>,
        mut optimizer: Option<(LearningRate, ModuleOptimizer)>,
    ) -> Result<M, Error> {
        // What its closure gives is no loss to train by.
        if optimizer.is_some() && self.scorer.reads().gradient() == Some(Gradient::AbsoluteWeights)
        {
            return Err(self.other_gradient(Gradient::AbsoluteWeights));
        }
        if self.settings.compensation.is_some() {
            return Err(Error::Conflict {
                one: "a compensation",
                other: "pruning before training, which gives the weights back as they came",
            });
        }
        let masked = |found: &Found| found.reparameterization.as_deref() == Some(PRUNING_MASK);
        let start = match find(&model, Read::Description).iter().any(masked) {
            true => model,
            false => self.attach(model)?,
        };
        let mut round = Vec::new();
        let first = self.step;
        let mut model = start.clone();
        let mut batches = batches.into_iter();
        while !self.is_finished() {
            // Skipping more and more steps might go on for ever.
            let window = self.schedule.window();
            if self.step >= window.end.saturating_add(window.len()) {
                return Err(Error::NothingScored {
                    steps: self.step - first,
                });
            }
            let batch = batches.next().ok_or_else(|| Error::NotEnoughBatches {
                needed: self.schedule.window().end.max(self.step + 1) - first,
                found: self.step - first,
            })?;
            let chooses = self.overdue || self.schedule.updates_at(self.step);
            round.push(batch);
            let probe = self.probe(&model, &round, optimizer.is_some(), &mut loss)?;
            if chooses || probe.asked().is_some() {
                round.clear(); // kept only for scorers that take a round at once
            }
            model = self.step_by(model, probe.asked())?;
            model = match &mut optimizer {
                // What is left out of the scores is left out of the weights.
                Some(_) if self.skipped_last => self.after_step(model)?,
                Some((learning_rate, optimizer)) => {
                    let grads = self.mask_gradients(&model, probe.loss);
                    let model = optimizer.step(*learning_rate, model, grads);
                    self.after_step(model)?
                }
                // Frozen weights are those of the start, also where they return.
                None if self.settings.mode == MaskMode::AfterStep => {
                    self.after_step(start.clone())?
                }
                None => model,
            };
        }
        Ok(match self.settings.mode {
            MaskMode::InGraph => mask::update(start, &self.masks),
            MaskMode::AfterStep => self.masks.apply_unchecked(start),
        })
    }
}
