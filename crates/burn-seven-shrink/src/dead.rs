//! Which units a model can do without.

use std::collections::HashMap;

use crate::group::{Group, Member};
use crate::values::Values;

/// For each group, which units go: those that are zero wherever they are read, or all of whose
/// readers are zero. Where all of them would go, the last stays.
///
/// What only units that go hold does not count, so that what they alone keep alive goes as well.
pub(crate) fn dead(groups: &[Group], values: &Values) -> Vec<Vec<bool>> {
    let mut dead: Vec<Vec<bool>> = groups
        .iter()
        .map(|group| vec![false; group.units])
        .collect();
    loop {
        let gone = gone(groups, &dead);
        let mut filled = HashMap::new();
        let mut changed = false;
        for (group, dead) in groups.iter().zip(&mut dead) {
            let is_zero = |filled: &mut HashMap<_, _>, member: &Member, unit: usize| {
                let key = (member.path.clone(), member.axis);
                let filled: &Vec<bool> = filled
                    .entry(key)
                    .or_insert_with(|| places(values, &gone, member));
                member
                    .places(unit, group.units)
                    .all(|place| !filled.get(place).copied().unwrap_or(true))
            };
            for unit in 0..group.units {
                if dead[unit] || dead.iter().filter(|&&dead| !dead).count() == 1 {
                    continue;
                }
                let mut all = |which: fn(&Member) -> bool| {
                    let mut own = group
                        .members
                        .iter()
                        .filter(|member| which(member))
                        .peekable();
                    own.peek().is_some() && own.all(|member| is_zero(&mut filled, member, unit))
                };
                let unread = !group.read && all(|member| member.reads);
                if unread || (group.vanishes && all(|member| member.makes)) {
                    dead[unit] = true;
                    changed = true;
                }
            }
        }
        if !changed {
            return dead;
        }
    }
}

/// The places of each axis that go.
pub(crate) type Gone = HashMap<String, HashMap<usize, Vec<usize>>>;

/// The places of each axis that go with these units.
pub(crate) fn gone(groups: &[Group], dead: &[Vec<bool>]) -> Gone {
    let mut gone = Gone::new();
    for (group, dead) in groups.iter().zip(dead) {
        let units = dead.iter().enumerate().filter(|(_, dead)| **dead);
        for (unit, _) in units {
            for member in &group.members {
                let axes = gone.entry(member.path.clone()).or_default();
                let places = axes.entry(member.axis).or_default();
                places.extend(member.places(unit, group.units));
            }
        }
    }
    gone
}

/// Which places of a member's axis hold something else than zero, apart from what goes along other
/// axes.
fn places(values: &Values, gone: &Gone, member: &Member) -> Vec<bool> {
    let Some(value) = values.all.get(&member.path) else {
        return Vec::new();
    };
    let size = value.shape[member.axis];
    let mut filled = vec![false; size];
    let stride = |axis: usize| value.shape[axis + 1..].iter().product::<usize>();
    let others = gone.get(&member.path).into_iter().flatten();
    let others = others.filter(|(axis, _)| **axis != member.axis);
    let removed: Vec<(usize, Vec<bool>)> = others
        .map(|(&axis, places)| {
            let mut removed = vec![false; value.shape[axis]];
            places.iter().for_each(|&place| removed[place] = true);
            (axis, removed)
        })
        .collect();
    let own = stride(member.axis);
    for (index, &entry) in value.floats.iter().enumerate() {
        let is_gone = |(axis, removed): &(usize, Vec<bool>)| {
            removed[index / stride(*axis) % value.shape[*axis]]
        };
        if entry != 0.0 && !removed.iter().any(is_gone) {
            filled[index / own % size] = true;
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Value;
    use burn::module::ParamId;
    use burn::tensor::DType;

    fn values(all: &[(&str, &[usize], &[f32])]) -> Values {
        let value = |&(path, shape, floats): &(&str, &[usize], &[f32])| {
            let value = Value {
                id: ParamId::new(),
                shape: shape.to_vec(),
                dtype: DType::F32,
                floats: floats.to_vec(),
            };
            (path.to_string(), value)
        };
        Values {
            all: all.iter().map(value).collect(),
            autodiff: false,
        }
    }

    fn group(makes: (&str, usize), reads: (&str, usize), units: usize) -> Group {
        let mut group = Group::new(units)
            .made_by(makes.0, makes.1)
            .read_by(reads.0, reads.1);
        for member in &mut group.members {
            member.inner = 1;
        }
        group
    }

    // The second neuron of the first layer is read by the first neuron of the second layer alone,
    // which nothing reads.
    #[test]
    fn what_only_dead_units_read_goes_too() {
        let values = values(&[
            ("a", &[1, 2], &[1.0, 1.0]),
            ("b", &[2, 2], &[0.0, 1.0, 1.0, 0.0]),
            ("c", &[2, 1], &[0.0, 1.0]),
        ]);
        let groups = [group(("a", 1), ("b", 0), 2), group(("b", 1), ("c", 0), 2)];
        assert_eq!(dead(&groups, &values), [[false, true], [true, false]]);
    }

    #[test]
    fn one_unit_stays() {
        let values = values(&[("a", &[1, 2], &[0.0, 0.0]), ("b", &[2, 1], &[0.0, 0.0])]);
        let dead = dead(&[group(("a", 1), ("b", 0), 2)], &values);
        assert_eq!(dead, [[true, false]]);
    }
}
