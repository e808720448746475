//! One step: what it will do, worked out before anything is changed, and then done.

use std::collections::HashMap;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{FloatDType, Tensor};

use super::settings::Clipping;
use super::{MaskMode, MissingGradient, NonFinitePolicy, Pruner};
use crate::budget::Goal;
use crate::compensation::{Change, Compensation};
use crate::mask::{self, Masks};
use crate::scorer::{AnyScorer, Gradient, Regrowth, Tally};
use crate::select::{Selected, Thresholds};
use crate::weights::{Found, NewValues, Read, Values, change, check_finite, find};
use crate::{Error, Failed, Scores, WeightGrads};

/// What a step will do.
#[derive(Default)]
struct Plan {
    /// Values to fold into the scores as they are.
    fold: Option<WeightGrads>,
    /// The masks to choose after that, and room to count the scores for them.
    choose: Option<(Goal, Tally)>,
    /// The scorer with this step folded in, where masks were chosen by it.
    scorer: Option<AnyScorer>,
    /// Masks that were chosen already.
    chosen: Option<Chosen>,
    skipped: bool,
    overdue: bool,
}

/// New masks, chosen and not yet put on the model.
enum Chosen {
    /// To be written over the old ones.
    Thresholds(Scores, Thresholds),
    /// To be written over masks of what was dropped; what they prune is set to 0 first.
    Grown(Scores, Thresholds, Masks),
    /// Written already, with the values that make up for what goes, by path.
    Compensated(Selected, HashMap<String, Tensor<1>>),
}

impl Pruner {
    /// Folds the weights and gradients of one step into the scores, and puts new masks on the model
    /// when the schedule says so. Call it after each backward pass, before the optimizer's step, or
    /// let [`optimize`](Self::optimize) do both.
    ///
    /// # Errors
    ///
    /// A selected weight without a gradient, with NaN or infinite values, or changed since the
    /// pruner was made; masks that are not attached, or are those of another step, or with
    /// [`MaskMode::AfterStep`] not applied since the last step; in the window a scorer that needs
    /// [another gradient](crate::Gradient) than the loss's. Model and pruner are as they were then,
    /// and the model is in the error.
    pub fn step<M: Module>(&mut self, model: M, grads: &GradientsParams) -> Result<M, Failed<M>> {
        if self.is_scoring()
            && let Some(gradient) = self.scorer.reads().gradient()
            && gradient != Gradient::Loss
        {
            return Err(Failed::new(model, self.other_gradient(gradient)));
        }
        self.step_by(model, Some(grads))
    }

    /// That the loss's gradient is not what the scorer needs.
    pub(super) fn other_gradient(&self, needed: Gradient) -> Error {
        Error::OtherGradient {
            scorer: self.scorer.name(),
            needed: needed.to_string(),
        }
    }

    /// [`step`](Self::step), by the gradients that the scorer asks for; none leaves the step out of
    /// the scores, where no masks are due.
    pub(super) fn step_by<M: Module>(
        &mut self,
        model: M,
        grads: Option<&GradientsParams>,
    ) -> Result<M, Failed<M>> {
        match self.plan(&model, grads) {
            Err(error) => Err(Failed::new(model, error)),
            Ok(plan) => self.commit(model, plan),
        }
    }

    fn plan<M: Module>(&self, model: &M, grads: Option<&GradientsParams>) -> Result<Plan, Error> {
        if let Some(step) = self.unapplied {
            return Err(Error::AfterStepMissing { step });
        }
        let scoring = self.is_scoring();
        // What is left out of the weights is looked for at every step.
        let skips = self.settings.non_finite == NonFinitePolicy::Skip;
        let read = match (grads.filter(|_| scoring || skips), self.settings.mode) {
            (Some(grads), _) => Read::Gradient(grads),
            (None, MaskMode::AfterStep) => Read::Value,
            (None, MaskMode::InGraph) => Read::Description,
        };
        let selected = self.selected(find(model, read))?;
        if self.settings.mode == MaskMode::InGraph {
            self.check_masked(&selected)?;
            // Right after a record was loaded the model's masks may be older.
            if !self.rewrite
                && let Some(path) = self.other_masks(&selected)
            {
                return Err(Error::OtherMasks { path });
            }
        } else if !self.rewrite {
            self.check_applied(&selected)?;
        }
        let mut plan = Plan {
            overdue: self.overdue,
            ..Plan::default()
        };
        if grads.is_none() || !(scoring || skips) {
            return Ok(plan);
        }
        let grads = self.samples(selected)?;
        if !scoring {
            let finite = check_finite(&grads, self.selector.choice());
            plan.skipped = matches!(finite, Err(Error::NonFinite { .. }));
            return Ok(plan);
        }
        self.scorer.check(&grads)?;
        match check_finite(&grads, self.selector.choice()) {
            Err(Error::NonFinite { .. }) if self.settings.non_finite == NonFinitePolicy::Skip => {
                plan.skipped = true;
            }
            checked => checked?,
        }
        if !self.overdue && !self.schedule.updates_at(self.step) {
            plan.fold = (!plan.skipped).then_some(grads);
            return Ok(plan);
        }
        let goal = Goal {
            sparsity: self.schedule.sparsity_at(self.step, self.initial),
            target: self.schedule.target(),
        };
        let plain = self.settings.compensation.is_none() && self.settings.drop_and_grow.is_none();
        let sure = plain && self.scorer.never_nan() && self.selector.is_unstructured();
        if !plan.skipped && sure {
            // Everything that can go wrong is found before the statistics are touched.
            let regrows = self.scorer.regrowth().is_possible();
            let tally = self.selector.tally(&self.masks, goal, regrows)?;
            plan.choose = Some((goal, tally));
            plan.fold = Some(grads);
            plan.overdue = false;
            return Ok(plan);
        }
        let values = self.settings.compensation.is_some().then(|| grads.clone());
        let mut scorer = self.scorer.clone();
        if !plan.skipped {
            scorer.fold(grads, None, self.selector.choice());
        }
        plan.overdue = scorer.scores().is_empty();
        if !plan.overdue {
            plan.chosen = Some(self.choose(&scorer, goal, values)?);
        }
        plan.scorer = Some(scorer);
        Ok(plan)
    }

    /// The selected weights and their gradients as the scorer is to see them.
    fn samples(&self, mut selected: Vec<Found>) -> Result<WeightGrads, Error> {
        let regrows = self.scorer.regrowth().is_possible();
        for (found, latent) in selected.iter_mut().zip(&self.latent) {
            found.value = Some(Values::of(latent.clone()));
        }
        // The pruner's masks: with masks after the step the model has none.
        for (found, mask) in selected.iter_mut().zip(self.masks.iter()) {
            let pruned = !regrows && !mask.is_dense();
            found.pruned = pruned.then(|| (mask.stamp(), mask.pruned().clone()));
        }
        let grads = WeightGrads::of_found(selected)?;
        let missing = self.settings.missing;
        let entries = grads.into_entries().into_iter().map(|entry| {
            let grad = match (entry.stored_grad(), missing) {
                (None, MissingGradient::Zero) => {
                    Some(Values::of(entry.stored().flat().zeros_like()))
                }
                (Some(grad), _) if self.settings.clipping.is_some() => {
                    let clipping = self.settings.clipping.as_ref();
                    clipping
                        .map(|Clipping(clipping)| Values::of(clipping.clip_gradient(grad.flat())))
                }
                _ => return entry,
            };
            entry.with_grad(grad)
        });
        Ok(WeightGrads::from_entries(entries.collect()))
    }

    /// Chooses masks by the scores so far.
    fn choose(
        &self,
        scorer: &AnyScorer,
        goal: Goal,
        values: Option<WeightGrads>,
    ) -> Result<Chosen, Error> {
        let (scores, regrows) = (scorer.scores(), scorer.regrowth().is_possible());
        let chosen = match &self.settings.drop_and_grow {
            None => {
                let thresholds =
                    self.selector
                        .thresholds(&scores, &self.masks, goal, regrows, None)?;
                Chosen::Thresholds(scores, thresholds)
            }
            Some(rule) => {
                let growth = scorer.growth().ok_or(Error::NoGrowth {
                    scorer: scorer.name(),
                })?;
                let fraction = rule.at(self.step, self.schedule.window().end);
                let (thresholds, pruned) = self.selector.drop_and_grow_thresholds(
                    &scores,
                    &growth,
                    fraction,
                    &self.masks,
                    goal,
                )?;
                Chosen::Grown(growth, thresholds, pruned)
            }
        };
        match (&self.settings.compensation, values) {
            (Some(compensation), Some(values)) => {
                self.compensate(chosen, compensation.as_ref(), &values)
            }
            _ => Ok(chosen),
        }
    }

    fn compensate(
        &self,
        chosen: Chosen,
        compensation: &dyn Compensation,
        values: &WeightGrads,
    ) -> Result<Chosen, Error> {
        let selected = match chosen {
            Chosen::Thresholds(scores, thresholds) => {
                thresholds.write(&scores, self.masks.clone())?
            }
            Chosen::Grown(growth, thresholds, pruned) => thresholds.write(&growth, pruned)?,
            done => return Ok(done),
        };
        let mut new = HashMap::new();
        let masks = self.masks.iter().zip(selected.masks.iter());
        for (entry, (before, after)) in values.iter().zip(masks) {
            let values = entry.stored().floats();
            let change = Change {
                weight: entry.weight(),
                values: values.mask_fill(before.pruned().clone(), 0.0),
                before: before.pruned(),
                after: after.pruned(),
            };
            let values = compensation.compensate(&change)?;
            if values.shape().to_vec() != [entry.weight().count()] {
                return Err(Error::ShapeMismatch {
                    what: "compensated value",
                    path: entry.weight().path().to_string(),
                    expected: vec![entry.weight().count()],
                    found: values.shape().to_vec(),
                });
            }
            new.insert(entry.weight().path().to_string(), values);
        }
        Ok(Chosen::Compensated(selected, new))
    }

    /// Carries a plan out. Only a scorer that breaks its word (never to give NaN, a score for each
    /// entry) can make it fail, and then the statistics hold the step.
    fn commit<M: Module>(&mut self, model: M, plan: Plan) -> Result<M, Failed<M>> {
        let (mut choose, mut chosen) = (plan.choose, plan.chosen);
        if let Some(grads) = plan.fold {
            let tally = choose.as_mut().map(|(_, tally)| tally);
            self.scorer.fold(grads, tally, self.selector.choice());
        }
        if let Some(scorer) = plan.scorer {
            self.scorer = scorer;
        }
        if let Some((goal, tally)) = choose {
            let scores = self.scorer.scores();
            let regrows = self.scorer.regrowth().is_possible();
            let thresholds =
                self.selector
                    .thresholds(&scores, &self.masks, goal, regrows, Some(tally));
            match thresholds {
                Ok(thresholds) => chosen = Some(Chosen::Thresholds(scores, thresholds)),
                Err(error) => return Err(Failed::new(model, error)),
            }
        }
        self.latent.clear(); // the optimizer moves the weights on
        let keeps_values = self.scorer.regrowth() == Regrowth::WithOldValue;
        self.forward = (chosen.is_some() && keeps_values).then(|| self.masks.clone());
        self.skipped += usize::from(plan.skipped);
        self.skipped_last = plan.skipped;
        self.overdue = plan.overdue;
        let rewrite = std::mem::take(&mut self.rewrite);
        let model = match chosen {
            Some(chosen) => self.put(model, chosen),
            None if rewrite => self.put_masks(model),
            None => model,
        };
        if self.settings.mode == MaskMode::AfterStep && self.masks.kept() < self.masks.total() {
            self.unapplied = Some(self.step);
        }
        self.step = self.step.saturating_add(1);
        Ok(model)
    }

    /// Puts newly chosen masks on the model.
    fn put<M: Module>(&mut self, model: M, chosen: Chosen) -> M {
        let zeroes = self.scorer.regrowth().zeroes();
        let mut model = model;
        let (selected, zeroed) = match chosen {
            Chosen::Thresholds(scores, thresholds) => {
                // The model lets go of the old masks, so that the new ones can be written over them.
                if self.settings.mode == MaskMode::InGraph {
                    model = mask::release(model, &self.masks);
                }
                (
                    write(&scores, thresholds, std::mem::take(&mut self.masks)),
                    false,
                )
            }
            Chosen::Grown(growth, thresholds, pruned) => {
                // What was dropped grows from 0 too.
                model = pruned.apply_unchecked(model);
                (write(&growth, thresholds, pruned), true)
            }
            Chosen::Compensated(selected, values) => (selected, {
                model = set_values(model, values);
                false
            }),
        };
        self.masks = selected.masks;
        let mut newly_held = selected.held.iter();
        if let Some(path) = newly_held.find(|path| !self.held.contains(path)) {
            log::warn!(
                "{path} was about to lose more than the floor allows and is held at it; {} weights are",
                selected.held.len()
            );
        }
        self.held = selected.held;
        if zeroes && !zeroed && self.settings.mode == MaskMode::InGraph {
            model = self.masks.apply_unchecked(model);
        }
        self.put_masks(model)
    }

    fn put_masks<M: Module>(&self, model: M) -> M {
        match self.settings.mode {
            MaskMode::InGraph => mask::update(model, &self.masks),
            MaskMode::AfterStep => self.masks.apply_unchecked(model),
        }
    }

    /// With [`MaskMode::AfterStep`], sets what the masks prune to 0 again after the optimizer's
    /// step; twice is as good as once. With masks in the graph there is nothing to do.
    ///
    /// A scorer whose pruned weights may come back sees them at its next update as the optimizer left
    /// them, one update away from 0; one that comes back starts from 0.
    ///
    /// # Errors
    ///
    /// The weights are not those of the model that the pruner was made for.
    pub fn after_step<M: Module>(&mut self, model: M) -> Result<M, Failed<M>> {
        if self.settings.mode == MaskMode::InGraph {
            return Ok(model);
        }
        let keep = self.scorer.regrowth().is_possible() && !self.is_finished();
        let read = if keep { Read::Value } else { Read::Description };
        match self.selected(find(&model, read)) {
            Err(error) => Err(Failed::new(model, error)),
            // Nothing to zero, as in all of the warm-up.
            Ok(_) if self.masks.kept() == self.masks.total() => Ok(model),
            Ok(selected) => {
                let first = self.unapplied.take().is_some();
                // The second time in a row they are 0 already.
                if keep && (first || self.moved(&selected).is_some()) {
                    let values = selected.into_iter().filter_map(|found| found.value);
                    self.latent = values.map(|value| value.floats()).collect();
                }
                Ok(self.masks.apply_unchecked(model))
            }
        }
    }
}

fn write(scores: &Scores, thresholds: Thresholds, masks: Masks) -> Selected {
    thresholds
        .write(scores, masks)
        .expect("thresholds that were drawn for these masks should fit them")
}

/// The model with these values for its weights, by path, in their own types.
fn set_values<M: Module>(model: M, mut values: HashMap<String, Tensor<1>>) -> M {
    change(model, |path| {
        let new = values.remove(path)?;
        let set: NewValues<'_> = Box::new(move |old| {
            let float = FloatDType::from(old.dtype());
            new.cast(float)
        });
        Some(set)
    })
}
