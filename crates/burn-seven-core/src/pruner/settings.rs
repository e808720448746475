//! How a pruner treats a model and its gradients.

use std::sync::Arc;

use burn::grad_clipping::GradientClipping;
use burn::module::ParamGroup;
use serde::{Deserialize, Serialize};

use crate::compensation::Compensation;
use crate::drop_and_grow::DropAndGrow;
use crate::mask::Zeros;
use crate::scorer::{AnyScorer, Regrowth};
use crate::weights::Found;
use crate::{Error, Schedule};

/// Where masks are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MaskMode {
    /// In Burn's autodiff graph, as a reparameterization of each weight. The optimizer may move the
    /// stored value of a pruned weight; the effective one is 0 in every forward pass. The default.
    #[default]
    InGraph,
    /// On the stored weights, by [`Pruner::after_step`](super::Pruner::after_step) after each
    /// optimizer step. The forward pass costs nothing, gradients are dense, and weights that are
    /// frozen or carry a LoRA adapter can be pruned (the base is).
    AfterStep,
}

/// What to do at a step with a NaN or infinite weight or gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NonFinitePolicy {
    /// Return an error. The default.
    #[default]
    Error,
    /// Leave the step out of the scores and count it in the report, as loss scaling leaves it out
    /// of the weights. Masks that are due are chosen by the scores so far, or at the next step if
    /// there are none. [`Pruner::optimize`](super::Pruner::optimize) leaves out the optimizer too;
    /// a loop that calls the optimizer itself asks
    /// [`Pruner::skipped_last`](super::Pruner::skipped_last) first.
    Skip,
}

/// What to do about a selected weight without a gradient at some step, such as an expert that no
/// token was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MissingGradient {
    /// Return an error. The default.
    #[default]
    Error,
    /// Take it for 0.
    Zero,
}

/// A clipping, which Burn's cannot show.
#[derive(Clone)]
pub(super) struct Clipping(pub GradientClipping);

impl std::fmt::Debug for Clipping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            GradientClipping::Value(value) => write!(f, "by value {value}"),
            GradientClipping::Norm(norm) => write!(f, "by norm {norm}"),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub mode: MaskMode,
    pub non_finite: NonFinitePolicy,
    pub missing: MissingGradient,
    pub zeros: Zeros,
    pub zeros_by_group: Vec<(ParamGroup, Zeros)>,
    pub clipping: Option<Clipping>,
    pub tied: bool,
    pub frozen: bool,
    pub sparse_start: Option<u64>,
    pub drop_and_grow: Option<DropAndGrow>,
    pub compensation: Option<Arc<dyn Compensation>>,
}

impl Settings {
    pub(super) fn validate(
        &self,
        scorer: &AnyScorer,
        schedule: &dyn Schedule,
    ) -> Result<(), Error> {
        let Some(rule) = &self.drop_and_grow else {
            if scorer.regrowth() == Regrowth::FromZero {
                log::warn!(
                    "{} grows nothing without PrunerConfig::with_drop_and_grow",
                    scorer.name()
                );
            }
            return Ok(());
        };
        rule.validate()?;
        if self.compensation.is_some() {
            return Err(Error::Conflict {
                one: "a compensation",
                other: "dropping and growing",
            });
        }
        // A step that changes masks leaves the optimizer out.
        let first: Vec<usize> = schedule.window().take(3).collect();
        if first.len() > 1 && first.iter().all(|&step| schedule.updates_at(step)) {
            return Err(Error::OutOfRange {
                parameter: "the schedule's interval",
                value: 1.0,
                allowed: "above 1 for dropping and growing: such a step trains nothing",
            });
        }
        match scorer.regrowth() {
            Regrowth::FromZero => Ok(()),
            _ => Err(Error::NoGrowth {
                scorer: scorer.name(),
            }),
        }
    }

    /// What zeros of a weight mean.
    pub(super) fn zeros_of(&self, found: &Found) -> Zeros {
        let mut groups = self.zeros_by_group.iter();
        let group = groups.find(|(group, _)| group.matches(&found.id, Some(found.path())));
        group.map_or(self.zeros, |(_, zeros)| *zeros)
    }
}
