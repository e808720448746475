//! The units of one set, ready to compete.

use burn::tensor::{Bool, Device, Tensor};

use super::layout::{Layout, UnitSet};
use crate::kernels::{Candidates, Rewrite};
use crate::mask::Masks;
use crate::scorer::Scores;
use crate::{Error, budget::Part};

/// The units of one set with their scores.
pub(super) struct Candidate<'a> {
    pub set: &'a UnitSet,
    /// The budget's view.
    pub part: Part<'a>,
    /// Each unit's score, shape `[units]`.
    pub scores: Tensor<1>,
    /// What is pruned now, shape `[units]`.
    pub pruned: Tensor<1, Bool>,
    /// Units that stay whatever their score, and how many they are.
    pub reserved: Option<Tensor<1, Bool>>,
    pub reserved_count: usize,
    /// How many units may stay.
    pub open: usize,
}

/// Which entries may stay.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    /// Whether pruned ones may come back.
    pub regrows: bool,
    /// What is kept now stays in any case; with `regrows` the rest competes for what is left.
    pub keeps: bool,
    pub layout: &'a Layout,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(
        set: &'a UnitSet,
        scores: &Scores,
        masks: &Masks,
        rule: Rule<'a>,
    ) -> Result<Self, Error> {
        let mut pooled = Vec::new();
        let mut kept = 0;
        for (index, grid) in &set.members {
            let score = &scores.as_slice()[*index];
            let mask = masks.find(score.path(), score.shape())?;
            score.check_length()?;
            kept += mask.kept();
            pooled.push((score.value().clone(), grid));
        }
        let (first, grid) = &set.members[0];
        let first = &scores.as_slice()[*first];
        let mask = masks.find(first.path(), first.shape())?;
        let (units, pruned) = match set.is_entries() {
            true => (first.value().clone(), mask.pruned().clone()),
            false => (set.pooling.pool(&pooled), grid.first(mask.pruned().clone())),
        };
        let open = match rule.regrows {
            true => set.units,
            false => kept / set.size,
        };
        let mut candidate = Self {
            set,
            part: rule.layout.part(set, open * set.size),
            scores: units,
            pruned,
            reserved: None,
            reserved_count: 0,
            open,
        };
        candidate.reserve(rule, first.shape())?;
        Ok(candidate)
    }

    fn reserve(&mut self, rule: Rule<'_>, shape: &[usize]) -> Result<(), Error> {
        let reserved = match (rule.keeps, self.set.quota) {
            (true, _) => self.pruned.clone().bool_not(),
            (false, None) => return Ok(()),
            (false, Some(quota)) => {
                if self.scores.clone().is_nan().any().into_scalar::<bool>() {
                    return Err(self.nan());
                }
                let (scores, pruned) = (self.scores.clone(), self.pruned.clone());
                quota.reserve(shape, scores, pruned, rule.regrows)
            }
        };
        self.reserved_count = reserved.clone().int().sum().into_scalar::<i64>() as usize;
        self.reserved = Some(reserved);
        Ok(())
    }

    pub(super) fn nan(&self) -> Error {
        Error::NonFinite {
            what: "score",
            path: self.part.path().to_string(),
        }
    }

    pub(super) fn device(&self) -> Device {
        self.scores.device()
    }

    /// The least number of units that stay where at least `entries` should.
    pub(super) fn minimum(&self, entries: usize) -> usize {
        entries.div_ceil(self.set.size).min(self.open)
    }

    pub(super) fn candidates(&self, regrows: bool) -> Candidates<'_> {
        Candidates {
            scores: &self.scores,
            pruned: &self.pruned,
            regrows,
            reserved: self.reserved.as_ref(),
        }
    }

    pub(super) fn rewrite(&self, regrows: bool) -> Rewrite<'_> {
        Rewrite {
            scores: &self.scores,
            pruned: self.pruned.clone(),
            regrows,
            reserved: self.reserved.as_ref(),
        }
    }
}
