//! The structure of groups.

use burn_seven_core::structure::Units;
use burn_seven_core::{Error, Pooling, Structure, Weight};

use crate::group::Group;

/// Units over all weights that hold a part of them: neurons, channels or heads of any model.
///
/// Made by [`Groups::structure`](crate::Groups::structure).
#[derive(Debug, Clone)]
pub struct Coupled {
    groups: Vec<Group>,
    /// Each parameter that is pruned, and the group and the member that it is in.
    owners: Vec<(String, usize, usize)>,
    pooling: Pooling,
}

impl Coupled {
    /// Units of these groups, or none where no parameter is pruned along an axis of theirs.
    pub(crate) fn new(groups: Vec<Group>) -> Option<Self> {
        // A weight belongs to what it makes, and to what it reads where nothing can be cut of that.
        let mut owners: Vec<(String, usize, usize)> = Vec::new();
        for makes in [true, false] {
            for (number, group) in groups.iter().enumerate() {
                for (place, member) in group.members.iter().enumerate() {
                    let fits = match makes {
                        true => member.makes,
                        false => member.reads && !member.makes,
                    };
                    // A stretch of an axis, or units that are not one behind another, are no blocks.
                    let simple = member.outer == 1 && group.units * member.inner == member.size;
                    let taken = owners.iter().any(|(path, _, _)| *path == member.path);
                    if fits && simple && !taken {
                        owners.push((member.path.clone(), number, place));
                    }
                }
            }
        }
        (!owners.is_empty()).then_some(Self {
            groups,
            owners,
            pooling: Pooling::default(),
        })
    }

    /// How scores are pooled over all members of a unit. Default: [`Pooling::Mean`]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.owners.iter().map(|(path, _, _)| path.as_str())
    }

    /// Whether units of this group are pruned.
    pub(crate) fn prunes(&self, group: &Group) -> bool {
        let own = |number: usize| self.groups[number] == *group;
        self.owners.iter().any(|(_, number, _)| own(*number))
    }
}

impl Structure for Coupled {
    fn name(&self) -> String {
        let all = self.groups.iter().enumerate();
        let pruned = all.filter(|(number, _)| self.owners.iter().any(|(_, own, _)| own == number));
        let names: Vec<String> = pruned
            .map(|(_, group)| format!("{} of {}", group.units, group.name()))
            .collect();
        format!("coupled by {:?}: {}", self.pooling, names.join(", "))
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        let mut members: Vec<Vec<(usize, Vec<usize>)>> = vec![Vec::new(); self.groups.len()];
        let mut misfits = Vec::new();
        for (index, weight) in weights.iter().enumerate() {
            let shape = weight.shape();
            let owner = self
                .owners
                .iter()
                .find(|(path, _, _)| path == weight.path());
            let Some((_, number, place)) = owner else {
                misfits.push(format!(
                    "{} {shape:?}: no group can be cut along its axes",
                    weight.path()
                ));
                continue;
            };
            let (group, member) = (&self.groups[*number], &self.groups[*number].members[*place]);
            match shape.get(member.axis) {
                Some(&size) if size == group.units * member.inner => {
                    let mut block = shape.to_vec();
                    block[member.axis] = member.inner;
                    members[*number].push((index, block));
                }
                _ => misfits.push(format!(
                    "{} {shape:?}: axis {} has not {} units of {}",
                    weight.path(),
                    member.axis,
                    group.units,
                    member.inner
                )),
            }
        }
        if !misfits.is_empty() {
            return Err(Error::StructureMismatch {
                structure: self.name(),
                misfits,
            });
        }
        let used = members.into_iter().filter(|members| !members.is_empty());
        Ok(used
            .map(|members| Units::coupled(members).with_pooling(self.pooling))
            .collect())
    }
}
