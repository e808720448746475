//! Units by hand: which entries of which weights belong together.

use burn_seven::Masks;

/// A unit's entries, by weight and row-major place.
pub type Unit = Vec<(String, usize)>;

/// The places of a row-major tensor of `shape` for which `belongs` holds, given each place's index.
pub fn places(path: &str, shape: &[usize], belongs: impl Fn(&[usize]) -> bool) -> Unit {
    let count = shape.iter().product();
    let index = |mut place: usize| {
        let mut index = vec![0; shape.len()];
        for (dim, size) in shape.iter().enumerate().rev() {
            index[dim] = place % size;
            place /= size;
        }
        index
    };
    let places = (0..count).filter(|&place| belongs(&index(place)));
    places.map(|place| (path.to_string(), place)).collect()
}

/// Slices of a weight along `dim`, of `width` each.
pub fn slices(path: &str, shape: &[usize], dim: usize, width: usize) -> Vec<Unit> {
    let slice = |at: usize| places(path, shape, |index| index[dim] / width == at);
    (0..shape[dim] / width).map(slice).collect()
}

/// Blocks over the first two dimensions.
pub fn blocks(path: &str, shape: &[usize], rows: usize, columns: usize) -> Vec<Unit> {
    let across = shape[1] / columns;
    let block = |at: usize| {
        let (row, column) = (at / across, at % across);
        places(path, shape, move |index| {
            index[0] / rows == row && index[1] / columns == column
        })
    };
    (0..shape[0] / rows * across).map(block).collect()
}

/// The first units of each, the second, and so on.
pub fn coupled(members: Vec<Vec<Unit>>) -> Vec<Unit> {
    let members = members.into_iter();
    let zip = |all: Vec<Unit>, one: Vec<Unit>| {
        assert_eq!(all.len(), one.len());
        let pairs = all.into_iter().zip(one);
        pairs.map(|(unit, more)| [unit, more].concat()).collect()
    };
    members.reduce(zip).unwrap()
}

/// Neurons between two weights.
pub fn neurons(first: (&str, [usize; 2]), second: (&str, [usize; 2])) -> Vec<Unit> {
    coupled(vec![
        slices(first.0, &first.1, 1, 1),
        slices(second.0, &second.1, 0, 1),
    ])
}

/// Heads of an attention whose four square weights are at `prefix`.
pub fn heads(prefix: &str, suffix: &str, size: usize, count: usize) -> Vec<Unit> {
    let part = |name: &str, dim| {
        let path = format!("{prefix}{name}{suffix}");
        slices(&path, &[size, size], dim, size / count)
    };
    let members = [("query", 1), ("key", 1), ("value", 1), ("output", 0)];
    coupled(members.map(|(name, dim)| part(name, dim)).to_vec())
}

/// Whether each unit is kept.
///
/// # Panics
///
/// When a unit is kept in part.
pub fn kept_units(masks: &Masks, units: &[Unit]) -> Vec<bool> {
    let masks: std::collections::HashMap<&str, Vec<bool>> = masks
        .iter()
        .map(|mask| (mask.path(), mask.to_vec()))
        .collect();
    let is_kept = |unit: &Unit| {
        let kept: Vec<bool> = unit
            .iter()
            .map(|(path, place)| masks[path.as_str()][*place])
            .collect();
        assert!(
            kept.iter().all(|one| *one == kept[0]),
            "a part of the unit at {:?} is kept",
            unit[0]
        );
        kept[0]
    };
    units.iter().map(is_kept).collect()
}
