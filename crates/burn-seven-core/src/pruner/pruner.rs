//! Pruning a model while it trains.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::spec::{Spec, check_attachable};
use super::{MaskMode, NonFinitePolicy};
use crate::kernels::check_finite;
use crate::mask::{self, Cuts, Tally};
use crate::report::share_of_zeros;
use crate::scorer::DynScorer;
use crate::weights::{Found, LeftOut, Take, Values, find};
use crate::{
    Error, Failed, Gradient, Masks, Report, Schedule, Scores, Selector, Sparsity, WeightGrads,
    WeightReport,
};

/// Prunes a model while it trains, or before.
///
/// Made by [`PrunerConfig::init`](crate::PrunerConfig::init). In a training loop:
/// [`attach`](Self::attach) once, [`step`](Self::step) after each backward pass,
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
/// let mut pruner = PrunerConfig::new(CubicSchedule::new(200..1200, Sparsity::new(0.9)?)).init(SevenScorerConfig::new().init(), &model)?;
/// let mut model = pruner.attach(model);                       // masks join the autodiff graph, all ones
/// for batch in loader {
///     let grads = GradientsParams::from_grads(model.loss(batch).backward(), &model);
///     model = pruner.step(model, &grads)?;                    // fold w and g into the scores; new masks when due
///     model = optim.step(lr, model, grads);
/// }
/// println!("{}", pruner.report(&model));
/// let sparse = pruner.finish(model)?;                         // a plain model again, with exact zeros
/// # let _ = sparse;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pruner {
    pub(super) scorer: Box<dyn DynScorer>,
    pub(super) schedule: Arc<dyn Schedule>,
    pub(super) selector: Selector,
    pub(super) mode: MaskMode,
    pub(super) non_finite: NonFinitePolicy,
    pub(super) specs: Vec<Spec>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) masks: Masks,
    /// The model's sparsity before the window.
    pub(super) initial: Sparsity,
    /// The next step's number.
    pub(super) step: usize,
    pub(super) skipped: usize,
    /// Masks were due at a skipped step, and there were no scores to choose them by.
    pub(super) overdue: bool,
    /// Weights held at the minimum by the last masks.
    pub(super) held: Vec<String>,
    /// The step after which masks are still to be applied to the weights.
    pub(super) unapplied: Option<usize>,
    /// With masks after the step and a scorer whose weights return: the weights as the optimizer
    /// left them, before they were zeroed, for the next scores. Float32, flat; else empty.
    pub(super) latent: Vec<Tensor<1>>,
    /// The masks in the model's graph may be older than these; the next step writes them.
    pub(super) rewrite: bool,
    /// Why the last `attach` did nothing.
    pub(super) fault: Option<Error>,
}

/// What a step will do, worked out before anything is changed.
struct Plan {
    /// Values to fold into the scores as they are.
    fold: Option<WeightGrads>,
    /// The sparsity of masks to choose after that, and room to count the scores for them.
    choose: Option<(Sparsity, Tally)>,
    /// The scorer with this step folded in, where masks were chosen by it.
    scorer: Option<Box<dyn DynScorer>>,
    /// Masks that were chosen already.
    cuts: Option<(Scores, Cuts)>,
    skipped: bool,
    overdue: bool,
}

impl Pruner {
    /// Puts the masks on a model: into its autodiff graph, or on its weights with
    /// [`MaskMode::AfterStep`].
    ///
    /// A model that masks cannot be put on comes back unchanged, and the reason is returned once, by
    /// the next [`step`](Self::step) or [`finish`](Self::finish); [`try_attach`](Self::try_attach)
    /// returns it at once.
    pub fn attach<M: Module>(&mut self, model: M) -> M {
        match self.try_attach(model) {
            Ok(model) => model,
            Err(failed) => {
                let (model, error) = failed.into_parts();
                self.fault = Some(error);
                model
            }
        }
    }

    /// [`attach`](Self::attach), with the error returned at once.
    ///
    /// # Errors
    ///
    /// A mask or another reparameterization is there already, or the weights are not those of the
    /// model that the pruner was made for.
    pub fn try_attach<M: Module>(&mut self, model: M) -> Result<M, Failed<M>> {
        let all = find(&model, Take::Description);
        let checked = check_attachable(&all, self.mode).and_then(|()| self.selected(all));
        match checked {
            Err(error) => Err(Failed::new(model, error)),
            Ok(_) => {
                self.fault = None;
                Ok(match self.mode {
                    MaskMode::InGraph => mask::attach(model, &self.masks, self.scorer.returns()),
                    MaskMode::AfterStep => self.masks.apply_unchecked(model),
                })
            }
        }
    }

    /// Folds the weights and gradients of one step into the scores, and puts new masks on the model
    /// when the schedule says so. Call it after each backward pass, before the optimizer's step.
    ///
    /// # Errors
    ///
    /// A selected weight without a gradient, with NaN or infinite values, or changed since the
    /// pruner was made; masks that are not attached, or with [`MaskMode::AfterStep`] not applied
    /// since the last step; in the window a scorer that needs [another gradient](crate::Gradient)
    /// than the loss's. Model and pruner are as they were then, and the model is in the error.
    pub fn step<M: Module>(&mut self, model: M, grads: &GradientsParams) -> Result<M, Failed<M>> {
        if self.is_scoring() && self.scorer.gradient() != Gradient::Loss {
            return Err(Failed::new(model, self.other_gradient()));
        }
        self.step_by(model, grads)
    }

    /// [`step`](Self::step), by the gradients that the scorer asks for.
    pub(super) fn step_by<M: Module>(
        &mut self,
        model: M,
        grads: &GradientsParams,
    ) -> Result<M, Failed<M>> {
        if let Some(fault) = self.fault.take() {
            return Err(Failed::new(model, fault));
        }
        match self.plan(&model, grads) {
            Err(error) => Err(Failed::new(model, error)),
            Ok(plan) => self.commit(model, plan),
        }
    }

    /// With [`MaskMode::AfterStep`], sets what the masks drop to 0 again after the optimizer's
    /// step. With masks in the graph there is nothing to do.
    ///
    /// A scorer whose pruned weights may return sees them at its next update as the optimizer left
    /// them, one update away from 0; one that returns starts from 0.
    ///
    /// # Errors
    ///
    /// The weights are not those of the model that the pruner was made for.
    pub fn after_step<M: Module>(&mut self, model: M) -> Result<M, Failed<M>> {
        if self.mode == MaskMode::InGraph {
            return Ok(model);
        }
        let keep = self.scorer.returns() && !self.is_finished();
        let take = if keep { Take::Value } else { Take::Description };
        match self.selected(find(&model, take)) {
            Err(error) => Err(Failed::new(model, error)),
            // Nothing to zero, as in all of the warm-up.
            Ok(_) if self.masks.kept() == self.masks.total() => Ok(model),
            Ok(selected) => {
                self.unapplied = None;
                self.latent.clear();
                if keep {
                    let values = selected.into_iter().filter_map(|found| found.value);
                    self.latent.extend(values.map(|value| value.floats()));
                }
                Ok(self.masks.apply_unchecked(model))
            }
        }
    }

    /// Takes the masks out: a plain model of the same type, with exact zeros for pruned weights and
    /// nothing left of the masking.
    ///
    /// # Errors
    ///
    /// Masks in the graph that are not there, or weights that are not those of the model that the
    /// pruner was made for.
    pub fn finish<M: Module>(&mut self, model: M) -> Result<M, Failed<M>> {
        if let Some(fault) = self.fault.take() {
            return Err(Failed::new(model, fault));
        }
        let checked = self.attached(find(&model, Take::Description));
        match checked {
            Err(error) => Err(Failed::new(model, error)),
            Ok(_) => {
                self.unapplied = None;
                Ok(match self.mode {
                    // The pruner's masks, whatever older ones a copy of the model carries.
                    MaskMode::InGraph => mask::update(model, &self.masks).materialize(),
                    MaskMode::AfterStep => self.masks.apply_unchecked(model),
                })
            }
        }
    }

    /// How sparse `model` is, weight by weight and in all, and how the pruning went.
    pub fn report<M: Module>(&self, model: &M) -> Report {
        let all = find(model, Take::Value);
        let selected = all
            .iter()
            .filter(|found| found.value.is_some() && self.masks.get(&found.path).is_some());
        let weights: Vec<WeightReport> = selected
            .map(|found| WeightReport::of(found, self.held.contains(&found.path)))
            .collect();
        let total = weights.iter().map(|weight| weight.total).sum();
        let kept = weights.iter().map(|weight| weight.kept).sum();
        Report {
            scorer: self.scorer.name().to_string(),
            schedule: self.schedule.name().to_string(),
            steps: self.step,
            skipped_steps: self.skipped,
            weights,
            total,
            kept,
            sparsity: share_of_zeros(kept, total),
            target: self.schedule.target().value(),
            left_out: self.left_out.clone(),
            kernels: self
                .selector
                .choice()
                .names(self.specs.iter().map(|spec| &spec.device)),
        }
    }

    /// The masks that hold now.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// The scores so far; with 0 for pruned weights where the scorer lets none return.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when a custom scorer gives too few or too many.
    pub fn scores(&self) -> Result<Scores, Error> {
        let scores = self.scorer.scores();
        match self.scorer.returns() {
            true => Ok(scores),
            false => scores.masked(&self.masks),
        }
    }

    /// How many steps were taken.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// Whether the schedule's window is over: masks stay as they are from here on.
    pub fn is_finished(&self) -> bool {
        self.step >= self.schedule.window().end && !self.overdue
    }

    /// Whether the next step is one of the window's.
    pub(super) fn is_scoring(&self) -> bool {
        self.overdue || self.schedule.window().contains(&self.step)
    }

    /// That the loss's gradient is not what the scorer needs.
    pub(super) fn other_gradient(&self) -> Error {
        Error::OtherGradient {
            scorer: self.scorer.name(),
            needed: self.scorer.gradient().to_string(),
        }
    }

    /// The selected weights among `all`, checked against what they were. What is selected was
    /// settled when the pruner was made, by path: ids change when a model is loaded.
    pub(super) fn selected(&self, all: Vec<Found>) -> Result<Vec<Found>, Error> {
        let known = |path: &str| {
            self.masks.get(path).is_some() || self.left_out.iter().any(|left| left.path == path)
        };
        if let Some(new) = all.iter().find(|found| !known(&found.path)) {
            return Err(Error::WeightAdded {
                path: new.path.clone(),
            });
        }
        let mut all: HashMap<String, Found> = all
            .into_iter()
            .map(|found| (found.path.clone(), found))
            .collect();
        let selected = self.specs.iter().map(|spec| {
            let found = all.remove(&spec.path).ok_or_else(|| Error::WeightMissing {
                path: spec.path.clone(),
            })?;
            found.check_float()?;
            spec.check(&found)?;
            Ok(found)
        });
        selected.collect()
    }

    /// [`selected`](Self::selected), with masks attached.
    fn attached(&self, all: Vec<Found>) -> Result<Vec<Found>, Error> {
        let selected = self.selected(all)?;
        if self.mode == MaskMode::InGraph
            && let Some(bare) = selected.iter().find(|found| found.dropped.is_none())
        {
            return Err(Error::MaskMissing {
                path: bare.path.clone(),
            });
        }
        Ok(selected)
    }

    fn plan<M: Module>(&self, model: &M, grads: &GradientsParams) -> Result<Plan, Error> {
        if let Some(step) = self.unapplied {
            return Err(Error::AfterStepMissing { step });
        }
        let scoring = self.is_scoring();
        let take = if scoring {
            Take::Gradient(grads)
        } else {
            Take::Description
        };
        let mut selected = self.attached(find(model, take))?;
        let mut plan = Plan {
            fold: None,
            choose: None,
            scorer: None,
            cuts: None,
            skipped: false,
            overdue: self.overdue,
        };
        if !scoring {
            return Ok(plan);
        }
        let returns = self.scorer.returns();
        for (found, latent) in selected.iter_mut().zip(&self.latent) {
            found.value = Some(Values::Flat(latent.clone()));
        }
        // The pruner's masks: those in a copy of the model may be older, and with masks after the
        // step the model has none.
        for (found, mask) in selected.iter_mut().zip(self.masks.iter()) {
            let pruned = !returns && !self.scorer.elementwise() && mask.kept() < mask.total();
            found.dropped = pruned.then(|| mask.dropped().clone());
        }
        let grads = WeightGrads::of_found(selected, true)?;
        self.scorer.check(&grads)?;
        match check_finite(&grads, self.selector.choice()) {
            Err(Error::NonFinite { .. }) if self.non_finite == NonFinitePolicy::Skip => {
                plan.skipped = true;
            }
            checked => checked?,
        }
        if !self.overdue && !self.schedule.updates_at(self.step) {
            plan.fold = (!plan.skipped).then_some(grads);
            return Ok(plan);
        }
        let sparsity = self.schedule.sparsity_at(self.step, self.initial);
        if !plan.skipped && self.scorer.never_nan() && !self.selector.reserves() {
            // Everything that can go wrong is found before the statistics are touched.
            let tally = self.selector.tally(&self.masks, sparsity, returns)?;
            plan.choose = Some((sparsity, tally));
            plan.fold = Some(grads);
            plan.overdue = false;
            return Ok(plan);
        }
        let mut scorer = self.scorer.clone();
        if !plan.skipped {
            scorer.fold(grads, None, self.selector.choice());
        }
        let scores = scorer.scores();
        plan.overdue = scores.is_empty();
        if !plan.overdue {
            let cuts = self
                .selector
                .cut(&scores, &self.masks, sparsity, returns, None)?;
            plan.cuts = Some((scores, cuts));
        }
        plan.scorer = Some(scorer);
        Ok(plan)
    }

    /// Carries a plan out. Only a scorer that breaks its word (never to give NaN, a score for each
    /// entry) can make it fail, and then the statistics hold the step.
    fn commit<M: Module>(&mut self, model: M, plan: Plan) -> Result<M, Failed<M>> {
        let (mut choose, mut cuts) = (plan.choose, plan.cuts);
        if let Some(grads) = plan.fold {
            let tally = choose.as_mut().map(|(_, tally)| tally);
            self.scorer.fold(grads, tally, self.selector.choice());
        }
        if let Some(scorer) = plan.scorer {
            self.scorer = scorer;
        }
        if let Some((sparsity, tally)) = choose {
            let (scores, returns) = (self.scorer.scores(), self.scorer.returns());
            let tally = Some(tally);
            let chosen = self
                .selector
                .cut(&scores, &self.masks, sparsity, returns, tally);
            match chosen {
                Ok(chosen) => cuts = Some((scores, chosen)),
                Err(error) => return Err(Failed::new(model, error)),
            }
        }
        self.latent.clear(); // the optimizer moves the weights on
        self.skipped += usize::from(plan.skipped);
        self.overdue = plan.overdue;
        let changed = cuts.is_some() || std::mem::take(&mut self.rewrite);
        let mut model = model;
        if let Some((scores, cuts)) = cuts {
            // The model lets go of the old masks, so that the new ones can be written over them.
            if self.mode == MaskMode::InGraph {
                model = mask::release(model, &self.masks);
            }
            let selected = cuts
                .write(&scores, std::mem::take(&mut self.masks))
                .expect("lines that were drawn for these masks should fit them");
            self.masks = selected.masks;
            self.held = selected.held;
        }
        let model = match self.mode {
            _ if !changed => model,
            MaskMode::InGraph => mask::update(model, &self.masks),
            MaskMode::AfterStep => self.masks.apply_unchecked(model),
        };
        if self.mode == MaskMode::AfterStep && self.masks.kept() < self.masks.total() {
            self.unapplied = Some(self.step);
        }
        self.step = self.step.saturating_add(1);
        Ok(model)
    }
}

impl std::fmt::Debug for Pruner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pruner")
            .field("scorer", &self.scorer.name())
            .field("schedule", &self.schedule)
            .field("mode", &self.mode)
            .field("weights", &self.specs.len())
            .field("step", &self.step)
            .field("sparsity", &self.masks.sparsity())
            .finish_non_exhaustive()
    }
}
