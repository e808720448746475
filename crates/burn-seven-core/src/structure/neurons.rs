//! Neurons between two linear layers.

use super::{Pooling, Structure, Units, misfit};
use crate::Error;
use crate::weights::Weight;

/// Neurons of each feed-forward pair: a column of the first weight (`[d_model, d_ff]`) with the row
/// of the second (`[d_ff, d_model]`) that reads it.
///
/// A pair is two linear weights whose paths differ in these names alone, such as
/// `layers.0.pwff.linear_inner.weight` and `layers.0.pwff.linear_outer.weight`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neurons {
    first: String,
    second: String,
    pooling: Pooling,
}

impl Default for Neurons {
    /// Those of Burn's `PositionWiseFeedForward`.
    fn default() -> Self {
        Self::between("linear_inner", "linear_outer")
    }
}

impl Neurons {
    /// Between the layers of these names, which lie side by side in their module.
    pub fn between(first: impl Into<String>, second: impl Into<String>) -> Self {
        Self {
            first: first.into(),
            second: second.into(),
            pooling: Pooling::default(),
        }
    }

    /// How scores are pooled over both weights. Default: [`Pooling::Mean`]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }
}

impl Structure for Neurons {
    fn name(&self) -> String {
        let (first, second) = (&self.first, &self.second);
        format!("neurons between {first} and {second} by {:?}", self.pooling)
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        let mut units = Vec::new();
        let mut misfits = Vec::new();
        let mut paired = vec![false; weights.len()];
        for (index, weight) in weights.iter().enumerate() {
            let Some(path) = sibling(weight.path(), &self.first, &self.second) else {
                continue;
            };
            let other = weights.iter().position(|other| other.path() == path);
            let Some(other) = other else {
                continue;
            };
            match (weight.shape(), weights[other].shape()) {
                (&[inputs, neurons], &[reads, outputs]) if neurons == reads => {
                    let members = vec![(index, vec![inputs, 1]), (other, vec![1, outputs])];
                    units.push(Units::coupled(members).with_pooling(self.pooling));
                }
                (_, shape) => {
                    let reason = format!("its neurons are not the rows of {path} {shape:?}");
                    misfits.push(misfit(weight, &reason));
                }
            }
            paired[index] = true;
            paired[other] = true;
        }
        let alone = weights.iter().zip(paired).filter(|(_, paired)| !paired);
        misfits.extend(alone.map(|(weight, _)| {
            let reason = format!("it is not one of a pair {} and {}", self.first, self.second);
            misfit(weight, &reason)
        }));
        match misfits.is_empty() {
            true => Ok(units),
            false => Err(Error::StructureMismatch {
                structure: self.name(),
                misfits,
            }),
        }
    }
}

/// `path` with the module `from` replaced by `to`, if there is such a module in it.
pub(super) fn sibling(path: &str, from: &str, to: &str) -> Option<String> {
    let mut names: Vec<&str> = path.split('.').collect();
    let at = names.iter().rposition(|name| *name == from)?;
    names[at] = to;
    Some(names.join("."))
}
