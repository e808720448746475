//! The selector: budget, structures and kernels held together.

use std::borrow::Cow;
use std::sync::Arc;

use burn::tensor::Device;

use super::{Candidate, Layout, Rule, Selected, Structures, Thresholds};
use crate::budget::{Budget, GlobalBudget, Goal, Part};
use crate::kernels::{KernelChoice, Kernels};
use crate::mask::{Mask, Masks};
use crate::scorer::{Scores, Tally};
use crate::structure::Structure;
use crate::weights::Weight;
use crate::{Error, Floor};

/// Chooses masks from scores: the units of the highest scores stay, in the number that the budget
/// gives each pool.
///
/// Counts are exact and ties deterministic: a unit that is kept now goes before one that would come
/// back, then the earlier weight, then the lower index. Units of more than one entry stay as long as
/// their entries fit into the count; the first that does not fit ends it.
#[derive(Debug, Clone)]
pub struct Selector {
    budget: Arc<dyn Budget>,
    structures: Structures,
    /// Made once for a pruner; else of the scores.
    layout: Option<Arc<Layout>>,
    floor: Floor,
    kernels: KernelChoice,
}

impl Default for Selector {
    /// One threshold over all entries together.
    fn default() -> Self {
        Self {
            budget: Arc::new(GlobalBudget),
            structures: Structures::default(),
            layout: None,
            floor: Floor::Entries(1),
            kernels: KernelChoice::default(),
        }
    }
}

impl Selector {
    /// From a budget and one structure for all weights.
    pub fn new(budget: impl Budget, structure: impl Structure) -> Self {
        let structures = Structures {
            default: Arc::new(structure),
            by_group: Vec::new(),
        };
        Self::from_parts(Arc::new(budget), structures, Floor::Entries(1))
    }

    pub(crate) fn from_parts(
        budget: Arc<dyn Budget>,
        structures: Structures,
        floor: Floor,
    ) -> Self {
        Self {
            budget,
            structures,
            floor,
            ..Self::default()
        }
    }

    /// What stays of every weight tensor in any case. Default: 1 entry
    pub fn with_floor(mut self, floor: Floor) -> Self {
        self.floor = floor;
        self
    }

    /// Counts and writes masks by these kernels on every device. Default: each device's own, by
    /// [`kernels::at`](crate::kernels::at)
    pub fn with_kernels(self, kernels: impl Kernels + 'static) -> Self {
        self.with_choice(KernelChoice::always(kernels))
    }

    pub(crate) fn with_choice(mut self, kernels: KernelChoice) -> Self {
        self.kernels = kernels;
        self
    }

    pub(crate) fn with_layout(mut self, layout: Layout) -> Self {
        self.layout = Some(Arc::new(layout));
        self
    }

    pub(crate) fn floor(&self) -> Floor {
        self.floor
    }

    pub(super) fn budget(&self) -> &dyn Budget {
        self.budget.as_ref()
    }

    /// The budget's name.
    pub(crate) fn budget_name(&self) -> String {
        self.budget.name()
    }

    /// The structures' names.
    pub(crate) fn structures_name(&self) -> String {
        self.structures.name()
    }

    /// The name of the path that chooses the masks of weights on `device`.
    pub fn kernels_at(&self, device: &Device) -> &str {
        self.kernels.at(device).name()
    }

    pub(crate) fn choice(&self) -> &KernelChoice {
        &self.kernels
    }

    /// Whether new scores are of use if counted while they are made.
    pub(crate) fn is_unstructured(&self) -> bool {
        let layout = self.layout.as_ref();
        layout.is_some_and(|layout| layout.is_unstructured())
    }

    /// The layout of a pruner's weights, which its selector has.
    pub(crate) fn layout(&self) -> &Layout {
        self.layout
            .as_deref()
            .expect("a pruner should have a layout")
    }

    /// The same selector, for these weights on another device.
    pub(crate) fn on(mut self, weights: &[Arc<Weight>]) -> Self {
        self.layout = self.layout.map(|layout| {
            Arc::new(Layout {
                weights: weights.to_vec(),
                sets: layout.sets.clone(),
                name: layout.name.clone(),
            })
        });
        self
    }

    fn layout_of(&self, scores: &Scores) -> Result<Cow<'_, Layout>, Error> {
        match &self.layout {
            Some(layout) => Ok(Cow::Borrowed(layout)),
            None => {
                let weights = scores.weights().collect();
                Layout::new(&self.structures, weights, &[], &[]).map(Cow::Owned)
            }
        }
    }

    /// Chooses masks of a sparsity by `scores`.
    ///
    /// `current` are the masks so far; with `regrows` what they prune may come back, else they can
    /// only shrink (and where fewer weights are left than the sparsity allows, all of them stay).
    ///
    /// # Errors
    ///
    /// [`Error::NonFinite`] for a NaN score; [`Error::MinimumTooLarge`]; [`Error::ShapeMismatch`] or
    /// [`Error::WeightAdded`] for masks that do not fit the scores; [`Error::StructureMismatch`];
    /// what a custom scorer, budget or structure gets wrong.
    pub fn select(
        &self,
        scores: &Scores,
        current: &Masks,
        goal: impl Into<Goal>,
        regrows: bool,
    ) -> Result<Selected, Error> {
        let thresholds = self.thresholds(scores, current, goal, regrows, None)?;
        thresholds.write(scores, current.clone())
    }

    /// Room to count scores while they are made, for masks after `current`; see [`Tally`]. What can
    /// be known to be wrong before there are scores is found here.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select) that don't come from the scores.
    pub fn tally(
        &self,
        current: &Masks,
        goal: impl Into<Goal>,
        regrows: bool,
    ) -> Result<Tally, Error> {
        let candidates = |mask: &Mask| if regrows { mask.total() } else { mask.kept() };
        let part = |mask| Part {
            paths: vec![Mask::path(mask)],
            shapes: vec![mask.shape()],
            fixed: false,
            candidates: candidates(mask),
        };
        let parts: Vec<Part<'_>> = current.iter().map(part).collect();
        let mut pool_of = vec![0; parts.len()];
        let goal = goal.into();
        for (index, pool) in self.pools(goal, &[], &parts)?.iter().enumerate() {
            let minimum = |&part: &usize| {
                let floor = self.floor.of(parts[part].count(), goal.target);
                floor.min(parts[part].candidates)
            };
            self.check_room(pool, pool.parts.iter().map(minimum).sum())?;
            for &part in &pool.parts {
                pool_of[part] = index;
            }
        }
        let places = current
            .iter()
            .map(|mask| (mask.pruned().device(), mask.total()));
        let bits = self.digits(places)[0];
        let weights = current.iter().zip(pool_of).map(|(mask, pool)| {
            let pruned = (!regrows && !mask.is_dense()).then(|| mask.pruned().clone());
            (mask.weight().clone(), pruned, pool)
        });
        Ok(Tally::new(weights, bits))
    }

    /// Draws the thresholds of [`select`](Self::select); [`Thresholds::write`] then writes the masks.
    /// `tally` is of the same masks and sparsity, and counted these scores.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select).
    pub fn thresholds(
        &self,
        scores: &Scores,
        current: &Masks,
        goal: impl Into<Goal>,
        regrows: bool,
        tally: Option<Tally>,
    ) -> Result<Thresholds, Error> {
        self.draw(scores, current, goal.into(), 0.0, (regrows, false), tally)
    }

    /// Drops and grows: of what stays by `goal` the share `fraction` with the lowest scores goes, and
    /// as many with the highest `growth` come in its place, among all that is not kept then.
    ///
    /// # Errors
    ///
    /// Those of [`select`](Self::select).
    pub(crate) fn drop_and_grow_thresholds(
        &self,
        scores: &Scores,
        growth: &Scores,
        fraction: f64,
        current: &Masks,
        goal: Goal,
    ) -> Result<(Thresholds, Masks), Error> {
        let pruned = self.draw(scores, current, goal, fraction, (false, false), None)?;
        let pruned = pruned.write(scores, current.clone())?.masks;
        let grown = self.draw(growth, &pruned, goal, 0.0, (true, true), None)?;
        Ok((grown, pruned))
    }

    /// `drop` is the share of each pool that goes although there is a place for it.
    fn draw(
        &self,
        scores: &Scores,
        current: &Masks,
        goal: Goal,
        drop: f64,
        (regrows, keeps): (bool, bool),
        tally: Option<Tally>,
    ) -> Result<Thresholds, Error> {
        let layout = self.layout_of(scores)?;
        let layout: &Layout = &layout;
        self.check_scores(layout, scores)?;
        let rule = Rule {
            regrows,
            keeps,
            layout,
        };
        let sets = layout.sets.iter();
        let candidates = sets.map(|set| Candidate::new(set, scores, current, rule));
        let candidates = candidates.collect::<Result<Vec<_>, Error>>()?;
        let parts: Vec<Part<'_>> = candidates.iter().map(|one| one.part.clone()).collect();
        let mut thresholds =
            Thresholds::new(layout, scores, current, regrows, self.kernels.clone());
        // Counts of other weights, or in another order, are of no use.
        let mut tally = tally.filter(|tally| tally.is_of(scores) && layout.is_unstructured());
        let minimum = |one: &Candidate<'_>| {
            let floor = self.floor.of(one.part.count(), goal.target);
            one.minimum(floor)
        };
        let minimums: Vec<usize> = candidates.iter().map(minimum).collect();
        for mut pool in self.pools(goal, &layout.sets, &parts)? {
            let dropped = (pool.keep as f64 * drop) as usize;
            let entries = |&index: &usize| minimums[index] * candidates[index].set.size;
            let required = pool.parts.iter().map(entries).sum();
            self.check_room(&pool, required)?;
            // What is dropped leaves the floors.
            pool.keep = (pool.keep - dropped).max(required.min(pool.keep));
            self.draw_pool(
                &pool,
                &candidates,
                &minimums,
                regrows,
                tally.as_mut(),
                &mut thresholds,
            )?;
        }
        // The tally is gone with its handles on the masks when they are written.
        std::mem::drop(tally);
        thresholds.finish(candidates);
        Ok(thresholds)
    }

    /// Checks that the scores are of the layout's weights.
    fn check_scores(&self, layout: &Layout, scores: &Scores) -> Result<(), Error> {
        let path = |weight: &Weight| weight.path().to_string();
        for (weight, score) in layout.weights.iter().zip(scores.iter()) {
            if weight.path() != score.path() {
                return Err(Error::WeightAdded {
                    path: path(score.weight()),
                });
            }
        }
        match (
            layout.weights.get(scores.len()),
            scores.as_slice().get(layout.weights.len()),
        ) {
            (Some(weight), _) => Err(Error::WeightMissing { path: path(weight) }),
            (_, Some(score)) => Err(Error::WeightAdded {
                path: path(score.weight()),
            }),
            _ => Ok(()),
        }
    }
}
