//! Masks on and off a model.

use burn::module::Module;
use burn::tensor::{Bool, Tensor};

use super::checks::check_attachable;
use super::{MaskMode, Pruner};
use crate::budget::Goal;
use crate::mask::{self, Mask, Masks};
use crate::scorer::{AnyScorer, RandomScorerConfig};
use crate::weights::{Found, Read, find};
use crate::{Error, Failed, Sparsity, WeightGrads};

impl Pruner {
    /// Puts the masks on a model: into its autodiff graph, or on its weights with
    /// [`MaskMode::AfterStep`].
    ///
    /// Before the first step it looks at the model as it is, as `init` did: exact zeros that came
    /// with a sparse checkpoint in between are kept, and the schedule starts from there. Later, and
    /// after a record was loaded, the pruner's own masks are put on the model.
    ///
    /// # Errors
    ///
    /// A mask or another reparameterization is there already; the weights are not those of the model
    /// that the pruner was made for, or cannot be pruned on its schedule. The model is in the error.
    pub fn attach<M: Module>(&mut self, model: M) -> Result<M, Failed<M>> {
        match self.prepare(&model) {
            Err(error) => Err(Failed::new(model, error)),
            Ok(()) => Ok(match self.settings.mode {
                MaskMode::InGraph => {
                    let dense_gradient = self.scorer.regrowth().is_possible();
                    mask::attach(model, &self.masks, dense_gradient)
                }
                MaskMode::AfterStep => self.masks.apply_unchecked(model),
            }),
        }
    }

    fn prepare<M: Module>(&mut self, model: &M) -> Result<(), Error> {
        let started = self.step > 0 || self.rewrite;
        let read = if started {
            Read::Description
        } else {
            Read::Value
        };
        let all = find(model, read);
        check_attachable(&all, self.settings.mode)?;
        let selected = self.selected(all)?;
        match started {
            true => Ok(()),
            false => {
                self.take_masks(&selected)?;
                if self.zeros_taken > 0 {
                    log::warn!(
                        "{} exact zeros of the model are taken for pruned and stay 0; \
                         PrunerConfig::with_zeros changes that",
                        self.zeros_taken
                    );
                }
                Ok(())
            }
        }
    }

    /// Takes the masks from weights with their values, before the first step.
    pub(super) fn take_masks(&mut self, selected: &[Found]) -> Result<(), Error> {
        let layout = self.selector.layout();
        let masks = Masks::of_found(selected, |found| self.settings.zeros_of(found));
        let zeros_taken = masks.total() - masks.kept();
        let mut masks = layout.whole_units(masks);
        let inside = zeros_taken - (masks.total() - masks.kept());
        if inside > 0 {
            log::warn!(
                "{inside} zeros lie in units of which something is kept ({}): they are not held at 0",
                self.selector.structures_name()
            );
        }
        let target = self.schedule.target();
        let most = self.selector.kept_at(target.into(), layout)?;
        if most > masks.kept() {
            let current = Sparsity::of_counts(masks.kept(), masks.total())?;
            return Err(Error::AlreadySparser {
                current: current.value(),
                target: target.value(),
            });
        }
        if let Some(seed) = self.settings.sparse_start
            && masks.kept() > most
        {
            masks = self.random_masks(seed, selected, &masks)?;
        }
        if !self.scorer.regrowth().is_possible() {
            self.selector.check_sparse(&masks, layout)?;
        }
        self.initial = Sparsity::of_counts(masks.kept(), masks.total())?;
        self.zeros_taken = zeros_taken - inside;
        self.masks = masks;
        Ok(())
    }

    /// Masks of the final sparsity, at random, among what `masks` keep.
    fn random_masks(&self, seed: u64, selected: &[Found], masks: &Masks) -> Result<Masks, Error> {
        let mut random = AnyScorer::from(RandomScorerConfig::new().with_seed(seed).init());
        let entries = selected.iter().map(Found::without_gradient);
        let grads = WeightGrads::of_found(entries.collect())?;
        random.fold(grads, None, self.selector.choice());
        let goal = Goal::from(self.schedule.target());
        let selected = self.selector.select(&random.scores(), masks, goal, false)?;
        Ok(selected.masks)
    }

    /// Takes the masks out: a plain model of the same type, with exact zeros for pruned weights and
    /// nothing left of the masking.
    ///
    /// With masks in the graph, a copy of the model that was kept at an earlier step keeps the masks
    /// that it had then.
    ///
    /// # Errors
    ///
    /// [`Error::Unfinished`] before the schedule's window is over, or where nothing was pruned: [`finish_early`](Self::finish_early)
    /// accepts that. Masks in the graph that are not there; weights that are not those of the model
    /// that the pruner was made for; with [`MaskMode::AfterStep`], a model of an earlier step. The
    /// model is in the error.
    pub fn finish<M: Module>(&mut self, model: M) -> Result<M, Failed<M>> {
        // A schedule may be over without a single choice of masks.
        let nothing = self.masks.kept() == self.masks.total();
        let nothing = nothing && self.schedule.target() > Sparsity::DENSE;
        match self.is_finished() && !nothing {
            true => self.finish_early(model),
            false => {
                let error = Error::Unfinished {
                    steps: self.step,
                    end: self.schedule.window().end,
                    sparsity: self.masks.sparsity(),
                    target: self.schedule.target().value(),
                };
                Err(Failed::new(model, error))
            }
        }
    }

    /// [`finish`](Self::finish), whether the window is over or not: the model is as sparse as it is.
    ///
    /// # Errors
    ///
    /// Those of `finish` but the first.
    pub fn finish_early<M: Module>(&mut self, model: M) -> Result<M, Failed<M>> {
        let mode = self.settings.mode;
        let read = match mode {
            MaskMode::InGraph => Read::Description,
            MaskMode::AfterStep => Read::Value,
        };
        let checked = self.selected(find(&model, read)).and_then(|selected| {
            match mode {
                MaskMode::InGraph => self.check_masked(&selected)?,
                MaskMode::AfterStep if self.unapplied.is_none() => self.check_applied(&selected)?,
                MaskMode::AfterStep => {}
            }
            Ok(self.other_masks(&selected))
        });
        let other = match checked {
            Err(error) => return Err(Failed::new(model, error)),
            Ok(other) => other,
        };
        self.unapplied = None;
        Ok(match mode {
            MaskMode::AfterStep => self.masks.apply_unchecked(model),
            // Those of the record that was loaded, which the model does not have yet.
            MaskMode::InGraph if self.rewrite => mask::update(model, &self.masks).materialize(),
            MaskMode::InGraph => {
                if let Some(path) = other {
                    log::warn!("{path} has masks of another step: the model keeps its own masks");
                }
                model.materialize()
            }
        })
    }

    /// Checks that masks are attached.
    pub(super) fn check_masked(&self, selected: &[Found]) -> Result<(), Error> {
        match selected.iter().find(|found| found.pruned.is_none()) {
            None => Ok(()),
            Some(bare) => Err(Error::MaskMissing {
                path: bare.path().to_string(),
            }),
        }
    }

    /// The first weight whose mask in the graph is not the pruner's: that of a copy of the model from
    /// another step.
    pub(super) fn other_masks(&self, selected: &[Found]) -> Option<String> {
        let differs = |(found, mask): &(&Found, &Mask)| match &found.pruned {
            None => false,
            Some((stamp, _)) if *stamp == mask.stamp() => false,
            // Loaded from a record, perhaps: then it is the same in content.
            Some((_, pruned)) => !same(pruned, mask.pruned()),
        };
        let mut pairs = selected.iter().zip(self.masks.iter());
        let (found, _) = pairs.find(differs)?;
        Some(found.path().to_string())
    }

    /// Checks that what the masks prune is 0 in the stored weights.
    pub(super) fn check_applied(&self, selected: &[Found]) -> Result<(), Error> {
        match self.moved(selected) {
            None => Ok(()),
            Some(found) => Err(Error::OtherMasks {
                path: found.path().to_string(),
            }),
        }
    }

    /// The first weight of which something that the masks prune is not 0.
    pub(super) fn moved<'a>(&self, selected: &'a [Found]) -> Option<&'a Found> {
        let pairs = selected.iter().zip(self.masks.iter());
        // All are asked for before the first is waited for.
        let asked: Vec<_> = pairs
            .filter_map(|(found, mask)| Some((found, moved(found, mask)?)))
            .collect();
        let moved = |(_, moved): &(&Found, Tensor<1, Bool>)| moved.clone().into_scalar::<bool>();
        let (found, _) = asked.into_iter().find(moved)?;
        Some(found)
    }
}

/// Whether something of a weight that its mask prunes is not 0; none where nothing is pruned.
fn moved(found: &Found, mask: &Mask) -> Option<Tensor<1, Bool>> {
    let value = found.value.as_ref().filter(|_| !mask.is_dense())?;
    let nonzero = value.flat().not_equal_scalar(0.0f32);
    Some(nonzero.bool_and(mask.pruned().clone()).any())
}

fn same(one: &Tensor<1, Bool>, other: &Tensor<1, Bool>) -> bool {
    let alike = one.clone().equal(other.clone());
    alike.all().into_scalar::<bool>()
}
