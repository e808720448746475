//! A model's weights divided into units.

use std::sync::Arc;

use burn::module::{ParamGroup, ParamId};

use crate::mask::{Mask, Masks};
use crate::structure::{Entries, Grid, Pooling, Quota, Structure, misfit};
use crate::weights::Weight;
use crate::{Error, budget::Part};

/// Which structure is for which weights.
#[derive(Debug, Clone)]
pub(crate) struct Structures {
    /// What is in no group has this one.
    pub default: Arc<dyn Structure>,
    /// The first group that a weight is in counts.
    pub by_group: Vec<(ParamGroup, Arc<dyn Structure>)>,
}

impl Default for Structures {
    fn default() -> Self {
        Self {
            default: Arc::new(Entries),
            by_group: Vec::new(),
        }
    }
}

impl Structures {
    /// All names.
    pub(crate) fn name(&self) -> String {
        let others = self.by_group.iter().map(|(_, structure)| structure);
        let all = std::iter::once(&self.default).chain(others);
        let names: Vec<String> = all.map(|structure| structure.name()).collect();
        names.join(", ")
    }

    /// The structures, each with the weights that it is for, by index.
    fn split(&self, weights: &[Arc<Weight>], ids: &[ParamId]) -> Vec<(&dyn Structure, Vec<usize>)> {
        let mut split: Vec<(&dyn Structure, Vec<usize>)> =
            vec![(self.default.as_ref(), Vec::new())];
        let others = self.by_group.iter();
        split.extend(others.map(|(_, structure)| (structure.as_ref(), Vec::new())));
        for (index, weight) in weights.iter().enumerate() {
            let id = ids.get(index).copied().unwrap_or(ParamId::from(0));
            let mut groups = self.by_group.iter();
            let group = groups.position(|(group, _)| group.matches(&id, Some(weight.path())));
            split[group.map_or(0, |group| group + 1)].1.push(index);
        }
        split.retain(|(_, weights)| !weights.is_empty());
        split
    }
}

/// Units that are alike: of one weight, or spanning the same weights.
#[derive(Debug, Clone)]
pub(crate) struct UnitSet {
    /// The weights, and how each is cut into blocks.
    pub members: Vec<(usize, Grid)>,
    pub pooling: Pooling,
    pub quota: Option<Quota>,
    /// How many units there are.
    pub units: usize,
    /// How many entries a unit holds.
    pub size: usize,
}

impl UnitSet {
    /// Whether each entry of one weight is a unit.
    pub(super) fn is_entries(&self) -> bool {
        self.size == 1
    }
}

/// A model's weights divided into units.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub weights: Vec<Arc<Weight>>,
    pub sets: Vec<UnitSet>,
    /// Each structure with the paths of its weights, as records compare it; the name alone where
    /// there is one for all.
    pub name: String,
}

impl Layout {
    /// `ids` are those of the weights, for groups by id; with none of them groups are by path.
    /// `tied` are pairs of weights that are one parameter and get one mask.
    pub(crate) fn new(
        structures: &Structures,
        weights: Vec<Arc<Weight>>,
        ids: &[ParamId],
        tied: &[(usize, usize)],
    ) -> Result<Self, Error> {
        let mut sets = Vec::new();
        let split = structures.split(&weights, ids);
        let paths = |indices: &[usize]| {
            let paths: Vec<&str> = indices.iter().map(|&index| weights[index].path()).collect();
            paths.join(", ")
        };
        let names = split.iter().map(|(structure, indices)| match split.len() {
            1 => structure.name(),
            _ => format!("{} for {}", structure.name(), paths(indices)),
        });
        let name = names.collect::<Vec<_>>().join("; ");
        // What does not fit is listed over all structures.
        let (mut unfit, mut misfits) = (Vec::new(), Vec::new());
        for (structure, indices) in split {
            // The second of two tied weights follows the first.
            let indices: Vec<usize> = indices
                .into_iter()
                .filter(|index| !tied.iter().any(|(_, second)| second == index))
                .collect();
            let own: Vec<&Weight> = indices.iter().map(|&index| &*weights[index]).collect();
            let mut seen = vec![false; own.len()];
            let all_units = match structure.units(&own) {
                Ok(units) => units,
                Err(Error::StructureMismatch {
                    structure,
                    misfits: these,
                }) => {
                    unfit.push(structure);
                    misfits.extend(these);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for units in all_units {
                let members = units.members.iter();
                for &(index, _) in members {
                    let twice = seen
                        .get_mut(index)
                        .map(|seen| std::mem::replace(seen, true));
                    if twice != Some(false) {
                        let path = own.get(index).map_or("none", |weight| weight.path());
                        return Err(invalid(structure, path, "it is there twice, or not at all"));
                    }
                }
                let member = |(index, block): (usize, Vec<usize>)| {
                    let grid = Grid::new(own[index].shape(), &block)
                        .map_err(|reason| invalid(structure, own[index].path(), &reason))?;
                    Ok((indices[index], grid))
                };
                let members = units.members.into_iter().map(member);
                let mut members = members.collect::<Result<Vec<_>, Error>>()?;
                for (first, second) in tied {
                    let twin = members.iter().find(|(index, _)| index == first);
                    if let Some((_, grid)) = twin.cloned() {
                        members.push((*second, grid));
                    }
                }
                let set = UnitSet {
                    units: members.first().map_or(0, |(_, grid)| grid.blocks()),
                    size: members.iter().map(|(_, grid)| grid.block_size()).sum(),
                    members,
                    pooling: units.pooling,
                    quota: units.quota,
                };
                check_set(structure, &set, &weights)?;
                sets.push(set);
            }
            if let Some(index) = seen.iter().position(|seen| !seen) {
                return Err(invalid(structure, own[index].path(), "it is in no unit"));
            }
        }
        if !misfits.is_empty() {
            return Err(Error::StructureMismatch {
                structure: unfit.join(", "),
                misfits,
            });
        }
        sets.sort_by_key(|set| set.members.first().map(|(index, _)| *index));
        Ok(Self {
            weights,
            sets,
            name,
        })
    }

    /// Whether some weight has a quota.
    pub(crate) fn has_quotas(&self) -> bool {
        self.sets.iter().any(|set| set.quota.is_some())
    }

    /// Whether every weight is pruned entry by entry, without a quota.
    pub(crate) fn is_unstructured(&self) -> bool {
        let mut sets = self.sets.iter();
        sets.all(|set| set.is_entries() && set.quota.is_none())
    }

    /// The budget's view of a set.
    pub(super) fn part(&self, set: &UnitSet, candidates: usize) -> Part<'_> {
        let weights = || set.members.iter().map(|(index, _)| &self.weights[*index]);
        Part {
            paths: weights().map(|weight| weight.path()).collect(),
            shapes: weights().map(|weight| weight.shape()).collect(),
            fixed: set.quota.is_some(),
            candidates,
        }
    }

    /// These masks with only whole units pruned: a unit of which anything is kept stays.
    pub(crate) fn whole_units(&self, masks: Masks) -> Masks {
        let mut masks = masks.into_masks();
        for set in self.sets.iter().filter(|set| !set.is_entries()) {
            let of_member =
                |(index, grid): &(usize, Grid)| grid.all(masks[*index].pruned().clone());
            let pruned = set.members.iter().map(of_member);
            let Some(pruned) = pruned.reduce(|all, one| all.bool_and(one)) else {
                continue;
            };
            let units = pruned.clone().int().sum().into_scalar::<i64>() as usize;
            for (index, grid) in &set.members {
                let weight = masks[*index].weight().clone();
                let kept = weight.count() - units * grid.block_size();
                let pruned = grid.expand(pruned.clone().to_device(weight.device()));
                masks[*index] = Mask::new(weight, pruned, kept);
            }
        }
        Masks::new(masks)
    }
}

/// Checks what the units of a structure should be like.
fn check_set(
    structure: &dyn Structure,
    set: &UnitSet,
    weights: &[Arc<Weight>],
) -> Result<(), Error> {
    let path = set
        .members
        .first()
        .map_or("none", |(index, _)| weights[*index].path());
    if set.units == 0 {
        return Err(invalid(structure, path, "it has no units"));
    }
    if let Some((index, grid)) = set
        .members
        .iter()
        .find(|(_, grid)| grid.blocks() != set.units)
    {
        let reason = format!("it has {} blocks, and {path} {}", grid.blocks(), set.units);
        return Err(invalid(structure, weights[*index].path(), &reason));
    }
    let (first, _) = set.members[0];
    let device = weights[first].device();
    if let Some((index, _)) = set
        .members
        .iter()
        .find(|(index, _)| weights[*index].device() != device)
    {
        return Err(invalid(
            structure,
            weights[*index].path(),
            "its units span two devices",
        ));
    }
    let Some(quota) = set.quota else {
        return Ok(());
    };
    let size = weights[first].shape().get(quota.dim).copied().unwrap_or(0);
    let fits = quota.n > 0 && quota.n <= quota.m && size > 0 && size % quota.m == 0;
    match fits && set.is_entries() {
        true => Ok(()),
        false => Err(Error::StructureMismatch {
            structure: structure.name(),
            misfits: vec![misfit(
                &weights[first],
                match set.members.len() {
                    1 => "its quota does not fit",
                    _ => "a quota cannot span tied weights",
                },
            )],
        }),
    }
}

fn invalid(structure: &dyn Structure, path: &str, reason: &str) -> Error {
    Error::InvalidStructure {
        structure: structure.name(),
        path: path.to_string(),
        reason: reason.to_string(),
    }
}
