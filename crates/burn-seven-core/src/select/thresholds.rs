//! Where the thresholds run, and the masks that they make.

use burn::tensor::{Bool, Tensor};

use super::Candidate;
use super::layout::{Layout, UnitSet};
use crate::kernels::{KernelChoice, Rewrite, Threshold};
use crate::mask::{Mask, Masks};
use crate::{Error, Scores};

/// Where [`Selector::thresholds`](super::Selector::thresholds) drew the thresholds: all that is needed to write the
/// masks.
#[derive(Debug, Clone)]
pub struct Thresholds {
    sets: Vec<UnitSet>,
    /// For each weight, where its mask is.
    places: Vec<Option<usize>>,
    /// Sets that share a threshold, by index, and the threshold.
    pub(super) lines: Vec<(Vec<usize>, Threshold)>,
    /// What stays of each set whatever its score.
    reserved: Vec<Option<Tensor<1, Bool>>>,
    /// Scores and masks of units of more than one entry.
    units: Vec<Option<(Tensor<1>, Tensor<1, Bool>)>>,
    /// Sets that were about to lose more than the floor allows.
    pub(super) held: Vec<usize>,
    regrows: bool,
    kernels: KernelChoice,
}

/// What a [`Selector`](super::Selector) chose.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The new masks.
    pub masks: Masks,
    /// Weights that were about to lose more than the floor allows, and were held at it.
    pub held: Vec<String>,
}

impl Thresholds {
    pub(super) fn new(
        layout: &Layout,
        scores: &Scores,
        masks: &Masks,
        regrows: bool,
        kernels: KernelChoice,
    ) -> Self {
        Self {
            sets: layout.sets.clone(),
            places: scores
                .iter()
                .map(|score| masks.position(score.path()))
                .collect(),
            lines: Vec::new(),
            reserved: Vec::new(),
            units: Vec::new(),
            held: Vec::new(),
            regrows,
            kernels,
        }
    }

    /// Takes what is to be written from the candidates, and lets go of the masks.
    pub(super) fn finish(&mut self, candidates: Vec<Candidate<'_>>) {
        self.held.sort_unstable();
        for candidate in candidates {
            self.reserved.push(candidate.reserved);
            let units =
                (!candidate.set.is_entries()).then_some((candidate.scores, candidate.pruned));
            self.units.push(units);
        }
    }

    /// Writes the new masks, in the order of the scores, over the old ones where no one else holds
    /// their memory.
    ///
    /// # Errors
    ///
    /// [`Error::WeightMissing`], [`Error::WeightAdded`] or [`Error::ShapeMismatch`] when `scores` and
    /// `masks` are not those that the thresholds were drawn for.
    pub fn write(mut self, scores: &Scores, masks: Masks) -> Result<Selected, Error> {
        self.check(scores, &masks)?;
        let scores = scores.as_slice();
        let mut old: Vec<Option<Mask>> = masks.into_masks().into_iter().map(Some).collect();
        let mut new: Vec<Option<Mask>> = vec![None; scores.len()];
        let held = self.held.iter().flat_map(|&set| &self.sets[set].members);
        let held = held.map(|(index, _)| scores[*index].path().to_string());
        let held = held.collect();
        for (sets, mut threshold) in std::mem::take(&mut self.lines) {
            let mut left = sets.as_slice();
            // Sets of one device are written together.
            while let Some(&first) = left.first() {
                let device = |set: usize| scores[self.sets[set].members[0].0].value().device();
                let first = device(first);
                let run = left.iter().take_while(|&&set| device(set) == first).count();
                let (these, rest) = left.split_at(run);
                left = rest;
                let mut pooled = Vec::new();
                let mut pruned = Vec::new();
                for &set in these {
                    match self.units[set].take() {
                        Some((scores, units)) => {
                            pooled.push(Some(scores));
                            pruned.push(units);
                        }
                        None => {
                            let (weight, _) = &self.sets[set].members[0];
                            let place = self.places[*weight].expect("places should be checked");
                            let mask = old[place].take();
                            let mask = mask.expect("a weight should be in one set");
                            pooled.push(None);
                            pruned.push(mask.into_parts().1);
                        }
                    }
                }
                let rewrites = these.iter().zip(&pooled).zip(pruned);
                let rewrites = rewrites.map(|((&set, pooled), pruned)| Rewrite {
                    scores: match pooled {
                        Some(scores) => scores,
                        None => scores[self.sets[set].members[0].0].value(),
                    },
                    pruned,
                    regrows: self.regrows,
                    reserved: self.reserved[set].as_ref(),
                });
                let written = self.kernels.at(&first).write(rewrites.collect(), threshold);
                threshold = written.rest;
                for (&set, (pruned, kept)) in these.iter().zip(written.masks) {
                    self.put(&self.sets[set], scores, pruned, kept as usize, &mut new);
                }
            }
        }
        let masks = new
            .into_iter()
            .map(|mask| mask.expect("every weight should be in a pool"));
        Ok(Selected {
            masks: Masks::new(masks.collect()),
            held,
        })
    }

    /// The masks of a set's weights, from its units.
    fn put(
        &self,
        set: &UnitSet,
        scores: &[crate::scorer::WeightScore],
        pruned: Tensor<1, Bool>,
        kept: usize,
        new: &mut [Option<Mask>],
    ) {
        for (index, grid) in &set.members {
            let weight = scores[*index].weight().clone();
            let (pruned, kept) = match set.is_entries() {
                true => (pruned.clone(), kept),
                false => (grid.expand(pruned.clone()), kept * grid.block_size()),
            };
            new[*index] = Some(Mask::new(weight, pruned, kept));
        }
    }

    /// Checks that scores and masks are as many, named and shaped as those of the thresholds.
    fn check(&self, scores: &Scores, masks: &Masks) -> Result<(), Error> {
        for (index, score) in scores.iter().enumerate() {
            masks.find(score.path(), score.shape())?;
            score.check_length()?;
            let place = self.places.get(index).copied().flatten();
            if place.is_none() || place != masks.position(score.path()) {
                return Err(Error::WeightAdded {
                    path: score.path().to_string(),
                });
            }
        }
        if let Some(&place) = self.places.get(scores.len()) {
            let mask = place.and_then(|place| masks.iter().nth(place));
            return Err(Error::WeightMissing {
                path: mask.map_or("none", Mask::path).to_string(),
            });
        }
        Ok(())
    }
}
