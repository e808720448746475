//! A pruner's whole state, in memory and on disk.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Bytes, Device, Tensor, TensorData};
use burn_pack::Scalar;

use super::Pruner;
use super::pruner::Spec;
use crate::record::{Pack, mismatch};
use crate::{Error, Masks, Schedule, Sparsity, StateSink};

const KIND: &str = "burn-seven pruner";

/// A pruner's whole state: statistics, masks, step, and what schedule and scorer they belong to.
///
/// From [`Pruner::to_record`], back by [`Pruner::load_record`]. On disk it is a burnpack file:
///
/// | name | what |
/// | --- | --- |
/// | text `kind`, scalar `version` | `burn-seven pruner`, 1 |
/// | text `scorer`, text `schedule` | their names |
/// | scalars `schedule.start`, `.end`, `.updates`, `.target`, `.initial` | the window, how often masks are due in it, and its sparsities |
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

/// What tells schedules apart in a record, in numbers that mean the same in every version.
fn fingerprint(schedule: &dyn Schedule) -> [(&'static str, f64); 4] {
    let window = schedule.window();
    let updates = window
        .clone()
        .filter(|&step| schedule.updates_at(step))
        .count();
    [
        ("schedule.start", window.start as f64),
        ("schedule.end", window.end as f64),
        ("schedule.updates", updates as f64),
        ("schedule.target", schedule.target().value()),
    ]
}

impl Pruner {
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
        for (name, value) in fingerprint(self.schedule.as_ref()) {
            pack.scalars.insert(name.to_string(), Scalar::from(value));
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
        pack.texts
            .insert("scorer".to_string(), self.scorer.name().to_string());
        pack.texts
            .insert("schedule".to_string(), self.schedule.name().to_string());
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
        same("scorer", self.scorer.name(), pack.text("scorer")?)?;
        same("schedule", self.schedule.name(), pack.text("schedule")?)?;
        for (name, expected) in fingerprint(self.schedule.as_ref()) {
            same(name, expected, pack.scalar::<f64>(name, "a number")?)?;
        }
        let device = self
            .specs
            .first()
            .map_or_else(Device::default, |spec| spec.device.clone());
        let masks = Masks::read(&mut pack, &device)?;
        same("number of weights", self.specs.len(), masks.len())?;
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
        let step = pack.count("step")?;
        let skipped = pack.count("skipped")?;
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
        Ok(())
    }

    fn read_latent(&self, pack: &mut Pack) -> Result<Vec<Tensor<1>>, Error> {
        let mut tensors: BTreeMap<String, TensorData> =
            pack.take_tensors("latent.").into_iter().collect();
        if tensors.is_empty() {
            return Ok(Vec::new());
        }
        same("number of latent weights", self.specs.len(), tensors.len())?;
        let read = |(index, spec): (usize, &Spec)| {
            let name = format!("latent.{index}");
            let data = tensors
                .remove(&name)
                .ok_or_else(|| mismatch(&name, "there", "missing"))?;
            self.check_statistic(&name, &data)?;
            Ok(Tensor::from_data(data, &spec.device))
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
        if data.dtype() != burn::tensor::DType::F32 {
            let found = format!("{:?}", data.dtype());
            return Err(mismatch(format!("type of {name}"), "F32", found));
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

fn same<T: PartialEq + ToString>(what: &str, expected: T, found: T) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(mismatch(what, expected, found))
    }
}
