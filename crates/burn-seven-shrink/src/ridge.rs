//! Pruning a trained model's neurons and channels at once, with what is left making up for them.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use burn_ir::{OperationIr, TensorId};
use burn_seven_compile::Tensors;
use burn_seven_compile::internals::{Captured, Value, capture, name};
use burn_seven_core::Sparsity;
use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, Side};

use crate::cut::replace;
use crate::flow::Flow;
use crate::groups::Groups;
use crate::step::{Step, Zeros};
use crate::values::Values;
use crate::{Group, ShrinkError};

/// Prunes neurons, channels and heads of a trained model without training it, and lets what is left
/// make up for them.
///
/// Activations `A` of calibration inputs are fitted by those that stay, `A ≈ A_S B + b` with a ridge penalty
/// on `B`, and `B` and `b` go into the weight and the bias that read them. Units go one after the other, each
/// time the one whose loss, made up for so, costs the readers' outputs the least mean square error: `|w|² /
/// [H⁻¹]`, with `w` its row by then and `H` the activations' second moments (optimal brain surgeon, of units).
/// So of two neurons that do the same one stays. Groups are done in the order of the model, each with the
/// activations of the model as it is by then.
///
/// Groups that only a sum or a product of two activations reads are left alone. See
/// [arXiv 2602.05243](https://arxiv.org/abs/2602.05243) for the fit of feed-forward pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    share: Sparsity,
    penalty: f64,
    fitted: bool,
}

/// A layer that reads units.
struct Reader {
    /// The tensor that it reads, and the axis of the units.
    input: TensorId,
    axis: usize,
    /// Its weight, and the axis of the units.
    weight: String,
    weight_axis: usize,
    bias: Option<String>,
}

/// Sums over samples: of products of two activations, of each, of each one's size.
struct Sums {
    products: Mat<f64>,
    plain: Vec<f64>,
    sizes: Vec<f64>,
    samples: usize,
}

impl Ridge {
    /// This share of the units of each group goes.
    pub fn new(share: Sparsity) -> Self {
        Self {
            share,
            penalty: 1e-4,
            fitted: true,
        }
    }

    /// The ridge penalty, in shares of the mean square of an activation. Default: 1e-4
    pub fn with_penalty(mut self, penalty: f64) -> Self {
        self.penalty = penalty;
        self
    }

    /// Whether what is left makes up for what goes. Without it the units go that have the smallest mean of
    /// `|a|` times the length of the row that reads it. Default: true
    pub fn with_fit(mut self, fitted: bool) -> Self {
        self.fitted = fitted;
        self
    }

    /// The model with units at zero, in its own shapes; [`shrink`](crate::shrink()) cuts them out.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::OutOfRange`] without calibration inputs or with a negative penalty;
    /// [`ShrinkError::NothingToCut`]; [`ShrinkError::Fit`] where the fit has no solution, as with inputs
    /// that are not finite; those of [`Shrink::groups`](crate::Shrink::groups).
    pub fn prune<M, I, O, F>(
        &self,
        model: &M,
        groups: &Groups,
        calibration: &[I],
        forward: F,
    ) -> Result<M, ShrinkError>
    where
        M: Module,
        I: Tensors,
        O: Tensors,
        F: Fn(&M, I) -> O,
    {
        let Some(example) = calibration.first() else {
            return Err(ShrinkError::OutOfRange {
                parameter: "number of calibration inputs",
                expected: "at least 1",
                found: "0".to_string(),
            });
        };
        if !(self.penalty >= 0.0 && self.penalty.is_finite()) {
            return Err(ShrinkError::OutOfRange {
                parameter: "ridge penalty",
                expected: "finite and at least 0",
                found: self.penalty.to_string(),
            });
        }
        let structure = groups.structure()?;
        let device = Device::flex();
        let mut values = Values::of(model, true)?;
        let mut here = model.valid().to_device(&device);
        for group in groups.free().filter(|group| structure.prunes(group)) {
            // Names of tensors differ from one capture to the next.
            let (captured, _) = capture(&here, &example.on(&device), &forward)?;
            let flow = Flow::new(&captured, &values.tied());
            let readers = readers(group, &flow, &captured);
            if readers.is_empty() {
                continue;
            }
            let sums = sums(&readers, group, &here, calibration, &forward)?;
            let gone = self.least(group, &readers, &sums, &values)?;
            for (reader, sums) in readers.iter().zip(&sums) {
                if self.fitted {
                    self.fit(group, reader, sums, &gone, &mut values)?;
                }
            }
            clear(group, &gone, &mut values);
            here = write(here, &values);
        }
        Ok(write(model.clone(), &values))
    }

    /// The units that go.
    fn least(
        &self,
        group: &Group,
        readers: &[Reader],
        sums: &[Sums],
        values: &Values,
    ) -> Result<Vec<usize>, ShrinkError> {
        let count = group.units - self.share.kept(group.units).max(1);
        let mut read = Vec::new();
        for (reader, sums) in readers.iter().zip(sums) {
            read.push((rows(values, reader)?, sums));
        }
        if self.fitted {
            let systems = readers.iter().zip(&read).map(|(reader, (rows, sums))| {
                let all: Vec<usize> = (0..sums.plain.len()).collect();
                let factor = self.factor(reader, sums, &all)?;
                let inverse = factor.solve(Mat::<f64>::identity(all.len(), all.len()));
                Ok(Elimination {
                    inverse,
                    rows: rows.clone(),
                })
            });
            let mut systems = systems.collect::<Result<Vec<_>, ShrinkError>>()?;
            return Ok(eliminate(&mut systems, group.units, count));
        }
        let mut scores = vec![0.0; group.units];
        for (rows, sums) in read {
            let inner = rows.len() / group.units;
            for (place, row) in rows.iter().enumerate() {
                let length = row.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
                scores[place / inner] += sums.sizes[place] / sums.samples.max(1) as f64 * length;
            }
        }
        let mut order: Vec<usize> = (0..group.units).collect();
        order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)));
        Ok(order[..count].to_vec())
    }

    /// The Cholesky factor of the second moments of these places' activations, with the penalty.
    fn factor(
        &self,
        reader: &Reader,
        sums: &Sums,
        places: &[usize],
    ) -> Result<Llt<f64>, ShrinkError> {
        let centred = reader.bias.is_some();
        let second = |a: usize, b: usize| sums.second(places[a], places[b], centred);
        let count = places.len();
        let scale = (0..count).map(|place| second(place, place)).sum::<f64>() / count.max(1) as f64;
        // Without a penalty a neuron that is never active must not stop the fit either.
        let penalty = (self.penalty * scale)
            .max(scale * 1e-10)
            .max(f64::MIN_POSITIVE);
        let matrix = Mat::from_fn(count, count, |row, column| {
            second(row, column) + if row == column { penalty } else { 0.0 }
        });
        matrix.llt(Side::Lower).map_err(|error| ShrinkError::Fit {
            path: reader.weight.clone(),
            message: format!("the moments of its inputs are not positive ({error:?})"),
        })
    }

    fn fit(
        &self,
        group: &Group,
        reader: &Reader,
        sums: &Sums,
        gone: &[usize],
        values: &mut Values,
    ) -> Result<(), ShrinkError> {
        let width = sums.plain.len();
        let inner = width / group.units;
        let goes = |place: &usize| gone.contains(&(place / inner));
        let (out, stay): (Vec<usize>, Vec<usize>) = (0..width).partition(goes);
        let centred = reader.bias.is_some();
        let right = Mat::from_fn(stay.len(), out.len(), |row, column| {
            sums.second(stay[row], out[column], centred)
        });
        let fit = self.factor(reader, sums, &stay)?.solve(&right);
        let finite = |column: usize| fit.col(column).iter().all(|entry| entry.is_finite());
        if !(0..out.len()).all(finite) {
            return Err(ShrinkError::Fit {
                path: reader.weight.clone(),
                message: "its numbers are not finite".to_string(),
            });
        }
        let old = rows(values, reader)?;
        let mut new = old.clone();
        for (column, &gone) in out.iter().enumerate() {
            for (row, &kept) in stay.iter().enumerate() {
                let share = fit[(row, column)];
                let pairs = new[kept].iter_mut().zip(&old[gone]);
                pairs.for_each(|(entry, lost)| *entry += share * lost);
            }
        }
        if let Some(bias) = &reader.bias {
            let mut shift = vec![0.0; old[0].len()];
            for (column, &gone) in out.iter().enumerate() {
                let guessed: f64 = stay
                    .iter()
                    .enumerate()
                    .map(|(row, &kept)| fit[(row, column)] * sums.mean(kept))
                    .sum();
                let rest = sums.mean(gone) - guessed;
                shift
                    .iter_mut()
                    .zip(&old[gone])
                    .for_each(|(shift, lost)| *shift += rest * lost);
            }
            if let Some(value) = values.all.get_mut(bias) {
                let pairs = value.floats.iter_mut().zip(&shift);
                pairs.for_each(|(entry, shift)| *entry = (f64::from(*entry) + shift) as f32);
            }
        }
        put_rows(values, reader, &new);
        Ok(())
    }
}

/// One reader's share of an elimination of units.
struct Elimination {
    /// The inverse of the second moments of what is left.
    inverse: Mat<f64>,
    /// The weight's rows, with what has gone made up for.
    rows: Vec<Vec<f64>>,
}

impl Elimination {
    /// What the outputs' mean square error grows by when these places go and the rest makes up for
    /// them.
    fn cost(&self, places: &[usize]) -> f64 {
        let own = |row: usize, column: usize| self.inverse[(places[row], places[column])];
        let inverse = Mat::from_fn(places.len(), places.len(), own);
        let rows = places.iter().map(|&place| self.rows[place].clone());
        let mut block = Self {
            inverse,
            rows: rows.collect(),
        };
        (0..places.len()).map(|place| block.remove(place)).sum()
    }

    /// Takes a place out, and gives what it costs.
    fn remove(&mut self, place: usize) -> f64 {
        let pivot = self.inverse[(place, place)];
        if pivot <= 0.0 {
            return 0.0; // gone already
        }
        let row = self.rows[place].clone();
        let column: Vec<f64> = self.inverse.col(place).iter().copied().collect();
        for (other, share) in column.iter().map(|entry| entry / pivot).enumerate() {
            let pairs = self.rows[other].iter_mut().zip(&row);
            pairs.for_each(|(entry, lost)| *entry -= share * lost);
            for (next, entry) in column.iter().enumerate() {
                self.inverse[(next, other)] -= share * entry;
            }
        }
        self.inverse[(place, place)] = 0.0;
        row.iter().map(|entry| entry * entry).sum::<f64>() / pivot
    }
}

/// Units that go one after the other, each the one that costs least at the time.
fn eliminate(systems: &mut [Elimination], units: usize, count: usize) -> Vec<usize> {
    let mut gone: Vec<usize> = Vec::new();
    for _ in 0..count {
        let cost = |unit: usize| -> f64 {
            let costs = systems
                .iter()
                .map(|system| system.cost(&places(system, unit, units)));
            costs.sum()
        };
        let left = (0..units).rev().filter(|unit| !gone.contains(unit));
        let costs = left.map(|unit| (cost(unit), unit));
        let Some((_, unit)) = costs.min_by(|one, other| one.0.total_cmp(&other.0)) else {
            break;
        };
        for system in systems.iter_mut() {
            for place in places(system, unit, units) {
                system.remove(place);
            }
        }
        gone.push(unit);
    }
    gone
}

fn places(system: &Elimination, unit: usize, units: usize) -> Vec<usize> {
    let inner = system.rows.len() / units;
    (unit * inner..(unit + 1) * inner).collect()
}

/// The layers that read a group along the whole of an axis.
fn readers(group: &Group, flow: &Flow, captured: &Captured) -> Vec<Reader> {
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
fn added(operation: &OperationIr, id: TensorId) -> Option<TensorId> {
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

fn sums<M: Module, I: Tensors, O: Tensors>(
    readers: &[Reader],
    group: &Group,
    model: &M,
    calibration: &[I],
    forward: &impl Fn(&M, I) -> O,
) -> Result<Vec<Sums>, ShrinkError> {
    let device = Device::flex();
    let mut all: Vec<Sums> = readers.iter().map(|_| Sums::new()).collect();
    for batch in calibration {
        let batch = batch.on(&device);
        // Each batch may have another shape; the order of operations is the same.
        let (captured, _) = capture(model, &batch, forward)?;
        let values = Values::of(model, false)?;
        let here = self::readers(group, &Flow::new(&captured, &values.tied()), &captured);
        let wanted: Vec<TensorId> = here.iter().map(|reader| reader.input).collect();
        crate::observe::observe(&captured, batch, &wanted, |id, value| {
            for (reader, sums) in here
                .iter()
                .zip(&mut all)
                .filter(|(reader, _)| reader.input == id)
            {
                sums.add(&value, reader.axis);
            }
        })?;
    }
    Ok(all)
}

impl Sums {
    fn new() -> Self {
        Self {
            products: Mat::new(),
            plain: Vec::new(),
            sizes: Vec::new(),
            samples: 0,
        }
    }

    /// The mean of a place's activations.
    fn mean(&self, place: usize) -> f64 {
        self.plain[place] / self.samples.max(1) as f64
    }

    /// The mean product of two places' activations, about their means or about 0.
    fn second(&self, a: usize, b: usize, centred: bool) -> f64 {
        let product = self.products[(a, b)] / self.samples.max(1) as f64;
        match centred {
            true => product - self.mean(a) * self.mean(b),
            false => product,
        }
    }

    /// Adds activations whose units are along an axis.
    fn add(&mut self, value: &Value, axis: usize) {
        let shape = value.shape().to_vec();
        let data = value.clone().0.into_data();
        let floats: Vec<f32> = data.iter::<f32>().collect();
        let (width, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let rows = floats.len() / width.max(1);
        let at = |row: usize, place: usize| {
            let (outer, rest) = (row / inner, row % inner);
            f64::from(floats[(outer * width + place) * inner + rest])
        };
        let matrix = Mat::from_fn(rows, width, at);
        if self.plain.is_empty() {
            self.products = Mat::zeros(width, width);
            self.plain = vec![0.0; width];
            self.sizes = vec![0.0; width];
        }
        self.products += matrix.transpose() * &matrix;
        for place in 0..width {
            for entry in matrix.col(place).iter() {
                self.plain[place] += entry;
                self.sizes[place] += entry.abs();
            }
        }
        self.samples += rows;
    }
}

/// A weight as rows, one for each place of the axis that reads.
fn rows(values: &Values, reader: &Reader) -> Result<Vec<Vec<f64>>, ShrinkError> {
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

fn put_rows(values: &mut Values, reader: &Reader, rows: &[Vec<f64>]) {
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

/// Sets all that holds these units to zero.
fn clear(group: &Group, gone: &[usize], values: &mut Values) {
    for member in group
        .members
        .iter()
        .filter(|member| member.makes || member.reads)
    {
        let Some(value) = values.all.get_mut(&member.path) else {
            continue;
        };
        let inner: usize = value.shape[member.axis + 1..].iter().product();
        let mut cleared = vec![false; value.shape[member.axis]];
        for &unit in gone {
            member
                .places(unit, group.units)
                .for_each(|place| cleared[place] = true);
        }
        for (index, entry) in value.floats.iter_mut().enumerate() {
            if cleared[index / inner % cleared.len()] {
                *entry = 0.0;
            }
        }
    }
}

/// A model with these values.
fn write<M: Module>(model: M, values: &Values) -> M {
    let autodiff = Values::of(&model, false).is_ok_and(|values| values.autodiff);
    let written = model.valid().map(&mut Writer {
        path: Vec::new(),
        values: values
            .all
            .iter()
            .map(|(path, value)| (path.as_str(), value.floats.as_slice()))
            .collect(),
    });
    match autodiff {
        true => written.train(),
        false => written,
    }
}

struct Writer<'a> {
    path: Vec<String>,
    values: HashMap<&'a str, &'a [f32]>,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let floats = self
            .values
            .get(path.as_str())
            .filter(|floats| !floats.is_empty());
        let Some(floats) = floats else {
            return param;
        };
        let id = param.id;
        replace(param, id, |old| {
            let data = TensorData::new(floats.to_vec(), old.shape());
            Tensor::from_data(data, (&old.device(), old.dtype()))
        })
    }
}
