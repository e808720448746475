//! Where the lines run, and the masks that they make.

use burn::tensor::{Bool, Tensor};

use super::{Mask, Masks};
use crate::kernels::{Cut, KernelChoice, Rewrite};
use crate::scorer::WeightScore;
use crate::{Error, Scores};

/// Where [`Selector::cut`](crate::Selector::cut) drew the lines: all that is needed to write the
/// masks.
#[derive(Debug, Clone)]
pub struct Cuts {
    /// For each score, where its mask is.
    pub(super) places: Vec<usize>,
    /// Weights that share a line, by their scores' order, and the line.
    pub(super) lines: Vec<(Vec<usize>, Cut)>,
    /// What the pattern reserves of each weight.
    pub(super) reserved: Vec<Option<Tensor<1, Bool>>>,
    /// Weights that were about to lose more than the minimum allows.
    pub(super) held: Vec<usize>,
    pub(super) returns: bool,
    pub(super) kernels: KernelChoice,
}

/// What a [`Selector`](crate::Selector) chose.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The new masks.
    pub masks: Masks,
    /// Weights that were about to lose more than the minimum allows, and were held at it.
    pub held: Vec<String>,
}

impl Cuts {
    /// Writes the new masks, in the order of the scores, over the old ones where no one else holds
    /// their memory.
    ///
    /// # Errors
    ///
    /// [`Error::WeightMissing`], [`Error::WeightAdded`] or [`Error::ShapeMismatch`] when `scores` and
    /// `masks` are not those that the lines were drawn for.
    pub fn write(self, scores: &Scores, masks: Masks) -> Result<Selected, Error> {
        let scores: Vec<_> = scores.iter().collect();
        self.check(&scores, &masks)?;
        let mut old: Vec<Option<Mask>> = masks.into_masks().into_iter().map(Some).collect();
        let mut new: Vec<Option<Mask>> = vec![None; scores.len()];
        let held = self.held.iter();
        let held = held.map(|&index| scores[index].path().to_string());
        let held = held.collect();
        for (layers, cut) in self.lines {
            // Weights of one device are written together.
            let mut cut = cut;
            let mut layers = layers.as_slice();
            while let Some(&first) = layers.first() {
                let device = scores[first].value().device();
                let run = layers
                    .iter()
                    .take_while(|&&layer| scores[layer].value().device() == device)
                    .count();
                let (these, rest) = layers.split_at(run);
                layers = rest;
                let mut names = Vec::new();
                let rewrites: Vec<Rewrite<'_>> = these
                    .iter()
                    .map(|&layer| {
                        let mask = old[self.places[layer]].take();
                        let mask = mask.expect("a weight should be in one pool");
                        let (path, shape, dropped) = mask.into_parts();
                        names.push((path, shape));
                        Rewrite {
                            scores: scores[layer].value(),
                            dropped,
                            returns: self.returns,
                            reserved: self.reserved[layer].as_ref(),
                        }
                    })
                    .collect();
                let written = self.kernels.at(&device).write(rewrites, cut);
                cut = written.rest;
                for ((&layer, (path, shape)), (dropped, kept)) in
                    these.iter().zip(names).zip(written.masks)
                {
                    new[layer] = Some(Mask::new(path, shape, dropped, kept as usize));
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

    /// Checks that scores and masks are as many, named and shaped as those of the lines.
    fn check(&self, scores: &[&WeightScore], masks: &Masks) -> Result<(), Error> {
        for (index, score) in scores.iter().enumerate() {
            let mask = masks.find(score.path(), score.shape())?;
            score.check_length(mask.total())?;
            if self.places.get(index).copied() != masks.position(score.path()) {
                return Err(Error::WeightAdded {
                    path: score.path().to_string(),
                });
            }
        }
        if let Some(&place) = self.places.get(scores.len()) {
            let path = masks.iter().nth(place).map_or("none", Mask::path);
            return Err(Error::WeightMissing {
                path: path.to_string(),
            });
        }
        Ok(())
    }
}
