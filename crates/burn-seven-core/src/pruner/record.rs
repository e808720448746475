//! A pruner's whole state, in memory and on disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Bytes, DType, Tensor, TensorData};
use burn_pack::Scalar;
use serde_json::Value;

use super::{MaskMode, Pruner};
use crate::record::{Pack, mismatch};
use crate::scorer::AnyScorer;
use crate::weights::Weight;
use crate::{Error, Masks, Schedule, Sparsity, StateSink};

const KIND: &str = "burn-seven pruner";

/// A pruner's whole state: statistics, masks, step, and what schedule and scorer they belong to.
///
/// From [`Pruner::to_record`], back by [`Pruner::load_record`]. On disk it is a burnpack file:
///
/// | name | what |
/// | --- | --- |
/// | text `kind`, scalar `version` | `burn-seven pruner`, 2 |
/// | texts `scorer`, `schedule`, `budget`, `structure`, `pruner`, and `scorer.config` and so on | each one's name and its configuration in JSON |
/// | scalar `initial` | the sparsity before the window |
/// | scalars `step`, `skipped`, `overdue`, `zeros_taken` | where it stands |
/// | text `path.I`, tensor `mask.I` | the `I`-th weight's path and mask, `u8`, 1 where kept |
/// | scalar `held.I` | whether it was held at the floor |
/// | tensor `latent.I` | with masks after the step and a scorer whose weights come back, the weight before it was zeroed |
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

impl PrunerRecord {
    /// The record as one of a run on this schedule, which goes on from the same step and scores: for a
    /// longer run, or another final sparsity. A record is refused by a pruner of another schedule than
    /// its own.
    ///
    /// # Errors
    ///
    /// [`Error::RecordMismatch`] where the schedule's window is over at the record's step, so that
    /// nothing would be pruned.
    pub fn with_schedule(mut self, schedule: &dyn Schedule) -> Result<Self, Error> {
        let (step, end) = (self.pack.count("step")?, schedule.window().end);
        if step >= end {
            let expected = format!("below {end}, the end of the new schedule");
            return Err(mismatch("step", expected, step));
        }
        let (name, config) = described(schedule);
        let texts = &mut self.pack.texts;
        texts.insert("schedule".to_string(), name);
        texts.insert(config_key("schedule"), config.to_string());
        Ok(self)
    }
}

/// Where a part's configuration is.
fn config_key(part: &str) -> String {
    format!("{part}.config")
}

/// What a schedule is called and made of.
fn described(schedule: &dyn Schedule) -> (String, Value) {
    (schedule.name().to_string(), schedule.config())
}

/// Checks a configuration, and says which of its fields differs.
fn same_config(what: &str, expected: &Value, found: &str) -> Result<(), Error> {
    // As text: numbers are the same to the last bit.
    let text = expected.to_string();
    if text == found {
        return Ok(());
    }
    let other: Value = serde_json::from_str(found).unwrap_or_default();
    if let (Value::Object(expected), Value::Object(other)) = (expected, &other) {
        for (field, value) in expected {
            let found = other.get(field).unwrap_or(&Value::Null);
            if found != value {
                return Err(mismatch(format!("{what}'s {field}"), value, found));
            }
        }
    }
    Err(mismatch(format!("{what}'s configuration"), expected, found))
}

/// No counter of a run is larger; a record that says so is damaged.
const MAX_COUNT: usize = u32::MAX as usize;

impl Pruner {
    /// What the state belongs to, each with its configuration where it has one.
    fn parts(&self) -> [(&'static str, String, Value); 5] {
        let settings = &self.settings;
        let compensation = settings.compensation.as_ref();
        let pruner = serde_json::json!({
            "mode": settings.mode,
            "floor": self.selector.floor(),
            "drop_and_grow": settings.drop_and_grow,
            "compensation": compensation.map(|compensation| compensation.name()),
        });
        let (schedule, config) = described(self.schedule.as_ref());
        let scorer = self.scorer.name().to_string();
        [
            ("scorer", scorer, self.scorer.config()),
            ("schedule", schedule, config),
            ("budget", self.selector.budget_name(), Value::Null),
            (
                "structure",
                self.selector.layout().name.clone(),
                Value::Null,
            ),
            ("pruner", "pruner".to_string(), pruner),
        ]
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
        let mut scalar = |name: &str, value: Scalar| pack.scalars.insert(name.to_string(), value);
        scalar("initial", self.initial.value().into());
        scalar("step", self.step.into());
        scalar("skipped", self.skipped.into());
        scalar("overdue", self.overdue.into());
        scalar("zeros_taken", self.zeros_taken.into());
        for (index, weight) in self.weights.iter().enumerate() {
            let held = self.held.iter().any(|path| path == weight.path());
            scalar(&format!("held.{index}"), held.into());
        }
        for (part, name, config) in self.parts() {
            pack.texts.insert(part.to_string(), name);
            pack.texts.insert(config_key(part), config.to_string());
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
        for (part, name, config) in self.parts() {
            same(part, name.as_str(), pack.text(part)?)?;
            same_config(part, &config, pack.text(&config_key(part))?)?;
        }
        same(
            "number of weights",
            self.weights.len(),
            pack.count("masks")?,
        )?;
        let device = |index: usize| {
            self.weights
                .get(index)
                .map(|weight| weight.device().clone())
        };
        let masks = Masks::read(&mut pack, device)?;
        for (weight, mask) in self.weights.iter().zip(masks.iter()) {
            same("weight", weight.path(), mask.path())?;
            if weight.shape() != mask.shape() {
                return Err(Error::ShapeMismatch {
                    what: "mask",
                    path: weight.path().to_string(),
                    expected: weight.shape().to_vec(),
                    found: mask.shape().to_vec(),
                });
            }
        }
        let masks = masks.described_by(&self.weights);
        let initial = Sparsity::new(pack.scalar("initial", "a number")?)?;
        let step = bounded("step", pack.count("step")?)?;
        let skipped = bounded("skipped", pack.count("skipped")?)?;
        let zeros_taken = pack.count("zeros_taken")?;
        let overdue: bool = pack.scalar("overdue", "true or false")?;
        let mut held = Vec::new();
        for (index, weight) in self.weights.iter().enumerate() {
            if pack.scalar(&format!("held.{index}"), "true or false")? {
                held.push(weight.path().to_string());
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
        self.zeros_taken = zeros_taken;
        self.skipped_last = false;
        self.held = held;
        self.latent = latent;
        self.forward = None;
        self.unapplied = None;
        self.rewrite = true;
        Ok(())
    }

    fn read_latent(&self, pack: &mut Pack) -> Result<Vec<Tensor<1>>, Error> {
        let mut tensors: BTreeMap<String, TensorData> =
            pack.take_tensors("latent.").into_iter().collect();
        if tensors.is_empty() {
            return Ok(Vec::new());
        }
        if self.settings.mode != MaskMode::AfterStep || !self.scorer.regrowth().is_possible() {
            return Err(mismatch("latent weights", "none", tensors.len()));
        }
        same(
            "number of latent weights",
            self.weights.len(),
            tensors.len(),
        )?;
        let read = |(index, weight): (usize, &Arc<Weight>)| {
            let name = format!("latent.{index}");
            let data = tensors
                .remove(&name)
                .ok_or_else(|| mismatch(&name, "there", "missing"))?;
            self.check_statistic(&name, &data)?;
            let expected = vec![weight.count()];
            if data.shape().to_vec() != expected {
                return Err(Error::ShapeMismatch {
                    what: "latent weight",
                    path: weight.path().to_string(),
                    expected,
                    found: data.shape().to_vec(),
                });
            }
            Ok(Tensor::from_data(data, (weight.device(), DType::F32)))
        };
        self.weights.iter().enumerate().map(read).collect()
    }

    fn read_statistics(&self, pack: &mut Pack) -> Result<AnyScorer, Error> {
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
        let mut scorer = self.scorer.clone();
        scorer.unflatten(&self.weights, tensors, scalars)?;
        Ok(scorer)
    }

    /// Tensors are named `scorer.I.*` or `latent.I`, of weight `I`, and hold float32 without NaN.
    fn check_statistic(&self, name: &str, data: &TensorData) -> Result<(), Error> {
        let index = name
            .split('.')
            .nth(1)
            .and_then(|index| index.parse::<usize>().ok());
        let weight = index.and_then(|index| self.weights.get(index));
        let weight = weight.ok_or_else(|| {
            let expected = format!("scorer.0 to scorer.{}", self.weights.len());
            mismatch("statistic's name", expected, name)
        })?;
        if data.dtype() != DType::F32 {
            let found = format!("{:?}", data.dtype());
            return Err(mismatch(format!("type of {name}"), "F32", found));
        }
        match data.iter::<f32>().any(f32::is_nan) {
            true => Err(Error::NonFinite {
                what: "statistic",
                path: weight.path().to_string(),
            }),
            false => Ok(()),
        }
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
