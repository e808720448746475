//! The layers that read a group of units, and their weights as rows.

use burn_ir::{OperationIr, TensorId};
use burn_seven_compile::internals::{Captured, name};

use crate::flow::Flow;
use crate::step::{Step, Zeros};
use crate::values::Values;
use crate::{Group, ShrinkError};

/// A layer that reads units.
pub(super) struct Reader {
    /// The tensor that it reads, and the axis of the units.
    pub input: TensorId,
    pub axis: usize,
    /// Its weight, and the axis of the units.
    pub weight: String,
    pub weight_axis: usize,
    pub bias: Option<String>,
}

/// The layers that read a group along the whole of an axis.
pub(super) fn readers(group: &Group, flow: &Flow, captured: &Captured) -> Vec<Reader> {
    let mut readers: Vec<Reader> = Vec::new();
    for operation in &captured.operations {
        let (input, axis, weight, weight_dim, bias, out) = match Step::of(operation) {
            Step::Product {
                left,
                right,
                bias,
                out,
            } => {
                let rank = right.shape.num_dims();
                (left, left.shape.num_dims() - 1, right, rank - 2, bias, out)
            }
            Step::Convolution {
                x,
                weight,
                groups: 1,
                transposed: false,
                out,
                ..
            } => (x, 1, weight, 1, None, out),
            _ => continue,
        };
        let Some((used, axes)) = flow.origins.get(&weight.id) else {
            continue;
        };
        let (Some(Some(weight_axis)), used) = (axes.get(weight_dim), &flow.used[*used]) else {
            continue;
        };
        let own = |path: &str, axis: usize| {
            let mut members = group.members.iter();
            members.any(|member| {
                let whole = member.outer == 1 && group.units * member.inner == member.size;
                member.path == path && member.axis == axis && member.reads && whole
            })
        };
        if !own(&used.path, *weight_axis) || flow.origins.contains_key(&input.id) {
            continue;
        }
        let path = |id: TensorId| {
            let (used, _) = flow.origins.get(&id)?;
            let used = &flow.used[*used];
            (used.axes.len() == 1).then(|| used.path.clone())
        };
        let matrix = used.axes.len() == 2;
        let added = || {
            captured
                .operations
                .iter()
                .find_map(|next| added(next, out.id).and_then(path))
        };
        readers.push(Reader {
            input: input.id,
            axis,
            weight: used.path.clone(),
            weight_axis: *weight_axis,
            // At an image's borders a convolution reads less than its mean.
            bias: bias
                .and_then(|bias| path(bias.id))
                .or_else(added)
                .filter(|_| matrix),
        });
    }
    // A layer that is called twice would be fitted twice.
    let twice = |reader: &Reader| {
        readers
            .iter()
            .filter(|other| other.weight == reader.weight)
            .count()
            > 1
    };
    let found = readers.iter().filter(|reader| !twice(reader)).count();
    match found == readers.len() && !group.read {
        true => readers,
        false => Vec::new(),
    }
}

/// What an operation adds to a tensor.
pub(super) fn added(operation: &OperationIr, id: TensorId) -> Option<TensorId> {
    match Step::of(operation) {
        Step::Entries {
            inputs,
            zeros: Zeros::Each,
            ..
        } if inputs.len() == 2 && name(operation).contains("Add") => {
            let other = inputs.iter().find(|ir| ir.id != id)?;
            inputs.iter().any(|ir| ir.id == id).then_some(other.id)
        }
        _ => None,
    }
}

/// A weight as rows, one for each place of the axis that reads.
pub(super) fn rows(values: &Values, reader: &Reader) -> Result<Vec<Vec<f64>>, ShrinkError> {
    let shape = values.shape(&reader.weight)?.to_vec();
    let mut rows = vec![Vec::new(); shape[reader.weight_axis]];
    let inner: usize = shape[reader.weight_axis + 1..].iter().product();
    if let Some(value) = values.all.get(&reader.weight) {
        for (index, &entry) in value.floats.iter().enumerate() {
            rows[index / inner % shape[reader.weight_axis]].push(f64::from(entry));
        }
    }
    Ok(rows)
}

pub(super) fn put_rows(values: &mut Values, reader: &Reader, rows: &[Vec<f64>]) {
    let Some(value) = values.all.get_mut(&reader.weight) else {
        return;
    };
    let size = value.shape[reader.weight_axis];
    let inner: usize = value.shape[reader.weight_axis + 1..].iter().product();
    let mut rows: Vec<_> = rows.iter().map(|row| row.iter()).collect();
    for (index, entry) in value.floats.iter_mut().enumerate() {
        if let Some(new) = rows[index / inner % size].next() {
            *entry = *new as f32;
        }
    }
}
