//! Attention heads.

use super::neurons::sibling;
use super::{Pooling, Structure, Units, misfit};
use crate::Error;
use crate::weights::Weight;

/// Heads of each attention: the columns of query, key and value (`[d_model, d_model]`) that make a
/// head, with the rows of the output weight that read it.
///
/// An attention is four linear weights whose paths differ in these names alone, such as
/// `layers.0.mha.query.weight`; by default those of Burn's `MultiHeadAttention`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    count: usize,
    names: [String; 4],
    pooling: Pooling,
}

impl Heads {
    /// So many heads in each attention, as its configuration says.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for 0.
    pub fn new(count: usize) -> Result<Self, Error> {
        match count {
            0 => Err(Error::OutOfRange {
                parameter: "heads",
                value: 0.0,
                allowed: "at least 1",
            }),
            _ => Ok(Self {
                count,
                names: ["query", "key", "value", "output"].map(str::to_string),
                pooling: Pooling::default(),
            }),
        }
    }

    /// The names of the layers: query, key, value and output.
    pub fn with_names(mut self, names: [&str; 4]) -> Self {
        self.names = names.map(str::to_string);
        self
    }

    /// How scores are pooled over all four weights. Default: [`Pooling::Mean`]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// The attention whose query is at `index`, or what is wrong with it; none if that is no query.
    fn attention(&self, index: usize, weights: &[&Weight]) -> Option<Result<Units, String>> {
        let [query, others @ ..] = &self.names;
        let path = weights[index].path();
        let find = |name: &String| {
            let path = sibling(path, query, name)?;
            weights.iter().position(|weight| weight.path() == path)
        };
        sibling(path, query, query)?;
        let mut members = Vec::new();
        for (name, at) in self
            .names
            .iter()
            .zip(std::iter::once(Some(index)).chain(others.iter().map(find)))
        {
            let Some(at) = at else {
                return Some(Err(format!("there is no {name} beside it")));
            };
            let (dim, shape) = (usize::from(name != &self.names[3]), weights[at].shape());
            if shape.len() != 2 || !shape[dim].is_multiple_of(self.count) {
                let reason = format!("{} heads do not divide {name} {shape:?}", self.count);
                return Some(Err(reason));
            }
            let mut block = shape.to_vec();
            block[dim] = shape[dim] / self.count;
            members.push((at, block));
        }
        Some(Ok(Units::coupled(members).with_pooling(self.pooling)))
    }
}

impl Structure for Heads {
    fn name(&self) -> String {
        format!("{} heads by {:?}", self.count, self.pooling)
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        let mut units: Vec<Units> = Vec::new();
        let mut misfits = Vec::new();
        for index in 0..weights.len() {
            match self.attention(index, weights) {
                None => {}
                Some(Ok(attention)) => units.push(attention),
                Some(Err(reason)) => misfits.push(misfit(weights[index], &reason)),
            }
        }
        if misfits.is_empty() {
            let taken = |index: usize| {
                let mut members = units.iter().flat_map(|units| &units.members);
                members.any(|(member, _)| *member == index)
            };
            let alone = (0..weights.len()).filter(|&index| !taken(index));
            misfits.extend(alone.map(|index| {
                let reason = format!("it is none of {}", self.names.join(", "));
                misfit(weights[index], &reason)
            }));
        }
        match misfits.is_empty() {
            true => Ok(units),
            false => Err(Error::StructureMismatch {
                structure: self.name(),
                misfits,
            }),
        }
    }
}
