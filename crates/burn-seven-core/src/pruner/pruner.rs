//! The pruner, and what it knows.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Tensor;

use super::settings::{MaskMode, Settings};
use crate::mask::{Masks, count_nonzero};
use crate::report::{Report, WeightReport, share_of_zeros};
use crate::scorer::AnyScorer;
use crate::select::Selector;
use crate::weights::{Found, LeftOut, Read, Weight, find};
use crate::{Error, Schedule, Scores, Sparsity};

/// Prunes a model while it trains, or before.
///
/// Made by [`PrunerConfig::init`](crate::PrunerConfig::init). In a training loop:
/// [`attach`](Self::attach) once, [`optimize`](Self::optimize) in the place of the optimizer's step,
/// [`finish`](Self::finish) at the end. A clone is a handful of handles: a snapshot.
///
/// ```
/// # use burn::{module::Module, nn::{Linear, LinearConfig}, optim::{AdamWConfig, GradientsParams}};
/// # use burn::tensor::{Device, Tensor};
/// # use burn_seven_core::*;
/// # #[derive(Module, Debug)]
/// # struct Model { linear: Linear }
/// # impl Model {
/// #     fn loss(&self, batch: Tensor<2>) -> Tensor<1> { self.linear.forward(batch).square().mean() }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = Device::default().autodiff();
/// # let model = Model { linear: LinearConfig::new(4, 4).init(&device) };
/// # let mut optim = AdamWConfig::new().init();
/// # let lr = 0.01;
/// # let loader = vec![Tensor::<2>::ones([2, 4], &device); 4];
/// let schedule = CubicSchedule::new(1..4, Sparsity::new(0.5)?);
/// let mut pruner = PrunerConfig::new(schedule).init(SevenScorerConfig::new().init(), &model)?;
/// let mut model = pruner.attach(model)?;                      // masks join the autodiff graph
/// for batch in loader {
///     let grads = GradientsParams::from_grads(model.loss(batch).backward(), &model);
///     model = pruner.optimize(&mut optim, lr, model, grads)?; // scores, masks when due, optimizer
/// }
/// println!("{}", pruner.report(&model));
/// let sparse = pruner.finish(model)?;                         // a plain model again, with exact zeros
/// # let _ = sparse;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pruner {
    pub(super) scorer: AnyScorer,
    pub(super) schedule: Arc<dyn Schedule>,
    pub(super) selector: Selector,
    pub(super) settings: Settings,
    pub(super) weights: Vec<Arc<Weight>>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) masks: Masks,
    /// The model's sparsity before the window.
    pub(super) initial: Sparsity,
    /// How many zeros of the model were taken for pruned.
    pub(super) zeros_taken: usize,
    /// The next step's number.
    pub(super) step: usize,
    pub(super) skipped: usize,
    /// Whether the last step was skipped.
    pub(super) skipped_last: bool,
    /// Masks were due at a skipped step, and there were no scores to choose them by.
    pub(super) overdue: bool,
    /// Weights held at the floor by the last masks.
    pub(super) held: Vec<String>,
    /// The step after which masks are still to be applied to the weights.
    pub(super) unapplied: Option<usize>,
    /// With masks after the step and a scorer whose weights come back: the weights as the optimizer
    /// left them, before they were zeroed, for the next scores. Float32, flat; else empty.
    pub(super) latent: Vec<Tensor<1>>,
    /// The masks of the last step's forward pass, where the step chose others and pruned weights keep
    /// their value; else none.
    pub(super) forward: Option<Masks>,
    /// The masks in the model's graph may be older than these; the next step writes them.
    pub(super) rewrite: bool,
}

impl Pruner {
    /// How sparse `model` is, weight by weight and in all, and how the pruning went.
    pub fn report<M: Module>(&self, model: &M) -> Report {
        let all = find(model, Read::Value);
        let selected = all
            .iter()
            .filter(|found| found.value.is_some() && self.masks.get(found.path()).is_some());
        let weights: Vec<WeightReport> = selected
            .map(|found| {
                let held = self.held.iter().any(|path| path == found.path());
                WeightReport::new(&found.weight, count_nonzero(found), held)
            })
            .collect();
        let total = weights.iter().map(|weight| weight.total).sum();
        let kept = weights.iter().map(|weight| weight.kept).sum();
        let devices = self.weights.iter().map(|weight| weight.device());
        Report {
            scorer: self.scorer.name().to_string(),
            schedule: self.schedule.name().to_string(),
            steps: self.step,
            window: self.schedule.window(),
            skipped_steps: self.skipped,
            zeros_taken: self.zeros_taken,
            weights,
            total,
            kept,
            sparsity: share_of_zeros(kept, total),
            target: self.schedule.target().value(),
            left_out: self.left_out.clone(),
            kernels: self.selector.choice().names(devices),
        }
    }

    /// The masks that hold now.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// The scores so far; with 0 for pruned weights where the scorer lets none come back.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when a custom scorer gives too few or too many.
    pub fn scores(&self) -> Result<Scores, Error> {
        let scores = self.scorer.scores();
        match self.scorer.regrowth().is_possible() {
            true => Ok(scores),
            false => scores.masked(&self.masks),
        }
    }

    /// How many steps were taken.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// Whether the last step was left out of the scores for NaN or infinite values, so that the
    /// optimizer should leave it out too.
    pub fn skipped_last(&self) -> bool {
        self.skipped_last
    }

    /// Whether the schedule's window is over: masks stay as they are from here on.
    pub fn is_finished(&self) -> bool {
        self.step >= self.schedule.window().end && !self.overdue
    }

    /// Whether the next step chooses masks.
    pub fn chooses_next(&self) -> bool {
        self.overdue || self.schedule.updates_at(self.step)
    }

    /// The sparsity that the schedule asked for at the last step; before the window the model's own.
    pub fn scheduled_sparsity(&self) -> f64 {
        let window = self.schedule.window();
        let last = self
            .step
            .checked_sub(1)
            .map(|last| last.min(window.end.saturating_sub(1)));
        match last.filter(|last| window.contains(last)) {
            Some(last) => self.schedule.sparsity_at(last, self.initial).value(),
            None => self.initial.value(),
        }
    }

    /// Where masks are applied.
    pub fn mode(&self) -> MaskMode {
        self.settings.mode
    }

    /// Whether the next step is one of the window's.
    pub(super) fn is_scoring(&self) -> bool {
        self.overdue || self.schedule.window().contains(&self.step)
    }

    /// The selected weights among `all`, checked against what they were. What is selected was
    /// settled when the pruner was made, by path: ids change when a model is loaded.
    pub(super) fn selected(&self, all: Vec<Found>) -> Result<Vec<Found>, Error> {
        let known = |path: &str| {
            self.weights.iter().any(|weight| weight.path() == path)
                || self.left_out.iter().any(|left| left.path == path)
        };
        if let Some(new) = all.iter().find(|found| !known(found.path())) {
            return Err(Error::WeightAdded {
                path: new.path().to_string(),
            });
        }
        let mut all: HashMap<String, Found> = all
            .into_iter()
            .map(|found| (found.path().to_string(), found))
            .collect();
        let selected = self.weights.iter().map(|weight| {
            let found = all
                .remove(weight.path())
                .ok_or_else(|| Error::WeightMissing {
                    path: weight.path().to_string(),
                })?;
            found.weight.check_float()?;
            weight.check(&found.weight)?;
            Ok(found)
        });
        selected.collect()
    }
}

impl std::fmt::Debug for Pruner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pruner")
            .field("scorer", &self.scorer.name())
            .field("schedule", &self.schedule)
            .field("mode", &self.settings.mode)
            .field("weights", &self.weights.len())
            .field("step", &self.step)
            .field("sparsity", &self.masks.sparsity())
            .finish_non_exhaustive()
    }
}
