//! Pruning a trained model's neurons and channels at once, with what is left making up for them.

mod elimination;
mod readers;
mod sums;

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use burn_seven_compile::Tensors;
use burn_seven_compile::internals::capture;
use burn_seven_core::Sparsity;
use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, Side};

use elimination::{Elimination, eliminate};
use readers::{Reader, put_rows, readers, rows};
use sums::{Sums, sums};

use crate::cut::replace;
use crate::flow::Flow;
use crate::groups::Groups;
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
