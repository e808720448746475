//! A pruner's whole state, in memory and on disk.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Bytes, DType, Device, Tensor, TensorData};
use burn_pack::Scalar;

use super::spec::Spec;
use super::{MaskMode, Pruner};
use crate::record::{Pack, mismatch};
use crate::{Error, Masks, Sparsity, StateSink};

const KIND: &str = "burn-seven pruner";

/// A pruner's whole state: statistics, masks, step, and what schedule and scorer they belong to.
///
/// From [`Pruner::to_record`], back by [`Pruner::load_record`]. On disk it is a burnpack file:
///
/// | name | what |
/// | --- | --- |
/// | text `kind`, scalar `version` | `burn-seven pruner`, 1 |
/// | text `scorer`, text `schedule` | their names |
/// | texts `budget`, `pattern`, `mode`, scalar `min_kept` | what masks are chosen and applied by |
/// | scalars `hyperparameter.NAME` | the scorer's hyperparameters |
/// | scalars `schedule.start`, `.end`, `.updates`, `.due`, `.mean`, `.target`, `.initial` | the window; how many steps masks are due at, the mean of those steps and of their sparsities; the last and the first sparsity |
/// | scalars `step`, `skipped`, `overdue` | where it stands |
/// | text `path.I`, tensor `mask.I` | the `I`-th weight's path and mask, `u8`, 1 where kept |
/// | scalar `held.I` | whether it was held at the minimum |
/// | tensor `latent.I` | with masks after the step and a scorer whose weights return, the weight before it was zeroed |
/// | tensors and scalars `scorer.I.*` | the scorer's statistics of it |
#[derive(Debug, Clone)]
pub struct PrunerRecord {
    pack: Pack,
}

impl PrunerRecord {
    /// Writes the record to a file. `.bpk` is appended to a path without extension.
    ///
    /// # Errors
    ///
    /// [`Error::Record`] when the file cannot be written.
    pub fn save(self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.pack.save(KIND, path)
    }

    /// Reads a record from a file.
    ///
    /// # Errors
    ///
    /// [`Error::Record`] or [`Error::RecordMismatch`] for a file that is truncated or foreign.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Pack::load(path, KIND).map(|pack| Self { pack })
    }

    /// The record as the bytes of its file.
    ///
    /// # Errors
    ///
    /// [`Error::Record`] when it is too large for the format.
    pub fn into_bytes(self) -> Result<Bytes, Error> {
        self.pack.into_bytes(KIND)
    }

    /// A record from the bytes of its file.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Error> {
        Pack::from_bytes(bytes, KIND).map(|pack| Self { pack })
    }
}

/// No counter of a run is larger; a record that says so is damaged.
const MAX_COUNT: usize = u32::MAX as usize;

impl Pruner {
    /// The names of what the state belongs to.
    fn names(&self) -> [(&'static str, String); 5] {
        let (budget, pattern) = self.selector.names();
        [
            ("scorer", self.scorer.name().to_string()),
            ("schedule", self.schedule.name().to_string()),
            ("budget", budget.to_string()),
            ("pattern", pattern),
            ("mode", format!("{:?}", self.mode)),
        ]
    }

    /// What tells schedules and scorers of one name apart, in numbers that mean the same in every
    /// version.
    fn numbers(&self) -> Vec<(String, f64)> {
        let window = self.schedule.window();
        let due = || {
            window
                .clone()
                .filter(|&step| self.schedule.updates_at(step))
        };
        let count = due().count() as f64;
        let dense = Sparsity::DENSE;
        let sparsities = due().map(|step| self.schedule.sparsity_at(step, dense).value());
        let schedule = [
            ("schedule.start", window.start as f64),
            ("schedule.end", window.end as f64),
            ("schedule.updates", count),
            (
                "schedule.due",
                due().map(|step| step as f64).sum::<f64>() / count,
            ),
            ("schedule.mean", sparsities.sum::<f64>() / count),
            ("schedule.target", self.schedule.target().value()),
            ("min_kept", self.selector.min_kept() as f64),
        ];
        let schedule = schedule.map(|(name, value)| (name.to_string(), value));
        let scorer = self.scorer.hyperparameters().into_iter();
        let scorer = scorer.map(|(name, value)| (format!("hyperparameter.{name}"), value));
        schedule.into_iter().chain(scorer).collect()
    }

    /// The pruner's whole state.
    pub fn to_record(&self) -> PrunerRecord {
        let mut pack = Pack::default();
        self.masks.write(&mut pack);
        let mut sink = StateSink::default();
        self.scorer.flatten(&mut sink);
        pack.tensors.extend(sink.tensors);
        pack.scalars.extend(sink.scalars);
        for (index, latent) in self.latent.iter().enumerate() {
            pack.tensors
                .push((format!("latent.{index}"), latent.to_data()));
        }
        for (name, value) in self.numbers() {
            pack.scalars.insert(name, Scalar::from(value));
        }
        let mut scalar = |name: &str, value: Scalar| pack.scalars.insert(name.to_string(), value);
        scalar("schedule.initial", self.initial.value().into());
        scalar("step", self.step.into());
        scalar("skipped", self.skipped.into());
        scalar("overdue", self.overdue.into());
        for (index, spec) in self.specs.iter().enumerate() {
            let held = self.held.contains(&spec.path);
            scalar(&format!("held.{index}"), held.into());
        }
        for (name, value) in self.names() {
            pack.texts.insert(name.to_string(), value);
        }
        PrunerRecord { pack }
    }

    /// Puts a record's state in the place of this pruner's, which was made for the same model, by
    /// the same scorer and schedule. Attach the masks to the model afterwards, or load the model's
    /// own record, which holds them when they are in its graph.
    ///
    /// # Errors
    ///
    /// [`Error::RecordMismatch`] for a record of another scorer, schedule or model, or with parts
    /// missing. The pruner is as it was then.
    pub fn load_record(&mut self, record: PrunerRecord) -> Result<(), Error> {
        let mut pack = record.pack;
        for (name, expected) in self.names() {
            same(name, expected.as_str(), pack.text(name)?)?;
        }
        for (name, expected) in self.numbers() {
            let found: f64 = pack.scalar(&name, "a number")?;
            // The mean is a computed number, and another machine may round it otherwise.
            let close = (found - expected).abs() <= 1e-9 * expected.abs();
            if !close {
                return Err(mismatch(name, expected, found));
            }
        }
        let devices: Vec<Device> = self.specs.iter().map(|spec| spec.device.clone()).collect();
        same("number of weights", self.specs.len(), pack.count("masks")?)?;
        let masks = Masks::read(&mut pack, |index| devices.get(index).cloned())?;
        for (spec, mask) in self.specs.iter().zip(masks.iter()) {
            same("weight", spec.path.as_str(), mask.path())?;
            if spec.shape != mask.shape() {
                return Err(Error::ShapeMismatch {
                    what: "mask",
                    path: spec.path.clone(),
                    expected: spec.shape.clone(),
                    found: mask.shape().to_vec(),
                });
            }
        }
        let initial = Sparsity::new(pack.scalar("schedule.initial", "a number")?)?;
        let step = bounded("step", pack.count("step")?)?;
        let skipped = bounded("skipped", pack.count("skipped")?)?;
        let overdue: bool = pack.scalar("overdue", "true or false")?;
        let mut held = Vec::new();
        for (index, spec) in self.specs.iter().enumerate() {
            if pack.scalar(&format!("held.{index}"), "true or false")? {
                held.push(spec.path.clone());
            }
        }
        let latent = self.read_latent(&mut pack)?;
        let scorer = self.read_statistics(&mut pack)?;

        self.scorer = scorer;
        self.masks = masks;
        self.initial = initial;
        self.step = step;
        self.skipped = skipped;
        self.overdue = overdue;
        self.held = held;
        self.latent = latent;
        self.unapplied = None;
        self.rewrite = true;
        self.fault = None;
        Ok(())
    }

    fn read_latent(&self, pack: &mut Pack) -> Result<Vec<Tensor<1>>, Error> {
        let mut tensors: BTreeMap<String, TensorData> =
            pack.take_tensors("latent.").into_iter().collect();
        if tensors.is_empty() {
            return Ok(Vec::new());
        }
        if self.mode != MaskMode::AfterStep || !self.scorer.returns() {
            return Err(mismatch("latent weights", "none", tensors.len()));
        }
        same("number of latent weights", self.specs.len(), tensors.len())?;
        let read = |(index, spec): (usize, &Spec)| {
            let name = format!("latent.{index}");
            let data = tensors
                .remove(&name)
                .ok_or_else(|| mismatch(&name, "there", "missing"))?;
            self.check_statistic(&name, &data)?;
            Ok(Tensor::from_data(data, (&spec.device, DType::F32)))
        };
        self.specs.iter().enumerate().map(read).collect()
    }

    fn read_statistics(&self, pack: &mut Pack) -> Result<Box<dyn crate::scorer::DynScorer>, Error> {
        let tensors = pack.take_tensors("scorer.");
        for (name, data) in &tensors {
            self.check_statistic(name, data)?;
        }
        let scalars = pack
            .scalars
            .iter()
            .filter(|(name, _)| name.starts_with("scorer."));
        let scalars = scalars
            .map(|(name, value)| (name.clone(), *value))
            .collect();
        let spec = |spec: &Spec| {
            let (path, shape) = (spec.path.clone(), spec.shape.clone());
            (path, shape, spec.dtype, spec.device.clone())
        };
        let weights: Vec<_> = self.specs.iter().map(spec).collect();
        let mut scorer = self.scorer.clone();
        scorer.unflatten(&weights, tensors, scalars)?;
        Ok(scorer)
    }

    /// Tensors are named `scorer.I.*` or `latent.I` and have one float32 value for each entry of weight `I`.
    fn check_statistic(&self, name: &str, data: &TensorData) -> Result<(), Error> {
        let index = name
            .split('.')
            .nth(1)
            .and_then(|index| index.parse::<usize>().ok());
        let spec = index
            .and_then(|index| self.specs.get(index))
            .ok_or_else(|| {
                mismatch(
                    "statistic's name",
                    format!("scorer.0 to scorer.{}", self.specs.len()),
                    name,
                )
            })?;
        if data.dtype() != DType::F32 {
            let found = format!("{:?}", data.dtype());
            return Err(mismatch(format!("type of {name}"), "F32", found));
        }
        if data.iter::<f32>().any(f32::is_nan) {
            return Err(Error::NonFinite {
                what: "statistic",
                path: spec.path.clone(),
            });
        }
        let expected = vec![spec.shape.iter().product::<usize>()];
        if data.shape().to_vec() != expected {
            return Err(Error::ShapeMismatch {
                what: "statistic",
                path: spec.path.clone(),
                expected,
                found: data.shape().to_vec(),
            });
        }
        Ok(())
    }
}

fn bounded(what: &str, found: usize) -> Result<usize, Error> {
    match found {
        0..=MAX_COUNT => Ok(found),
        _ => Err(mismatch(what, format!("at most {MAX_COUNT}"), found)),
    }
}

fn same<T: PartialEq + ToString>(what: &str, expected: T, found: T) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(mismatch(what, expected, found))
    }
}
