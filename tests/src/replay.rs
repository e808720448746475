//! Replaying a recorded stream: the library's scores and masks beside those of an independent
//! implementation, step by step.
//!
//! A stream is a safetensors file with `LAYER/weight/TTTT`, `LAYER/grad/TTTT`, `LAYER/score/TTTT`
//! (float32) and `LAYER/mask/TTTT` (uint8) for the steps 0 to N-2, and N and the sparsity in its
//! metadata. The metadata's `algorithm` names the scorer:
//!
//! | `algorithm` | scorer |
//! | --- | --- |
//! | `SEVEN` | SEVEN with `alpha_1`, `alpha_2` |
//! | `PLATON` | PLATON with β1 = `alpha_1`, β2 = `alpha_2`, a window of 1 |
//! | `movement`, `first_order` | `\|w·g\|` of the current batch, which the recorder calls movement: SNIP |

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use burn_seven::internals::Selector;
use burn_seven::scorer::Scorer;
use burn_seven::{
    CubicSchedule, Masks, ModuleScorer, PlatonScorerConfig, Schedule, SevenScorerConfig,
    SnipScorerConfig, Sparsity, WeightGrad, WeightGrads,
};
use safetensors::{Dtype, SafeTensorError, SafeTensors};

/// The largest relative error of a score that passes.
pub const TOLERANCE: f64 = 1e-5;

/// Why a file could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no safetensors file, or a truncated one.
    #[error("not a safetensors file, or truncated: {0}")]
    Format(#[from] SafeTensorError),
    /// The file is a safetensors file, but no stream.
    #[error("not a recorded stream: {0}")]
    NotAStream(String),
    /// The library refused what the stream feeds it.
    #[error("the library refused the stream: {0}")]
    Library(#[from] burn_seven::Error),
}

/// One step beside its record.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The step's number.
    pub step: usize,
    /// How many weights the library keeps.
    pub kept: usize,
    /// Mask entries that differ other than by a tie at the threshold.
    pub mismatches: usize,
    /// The largest relative error of a score.
    pub score_error: f64,
}

/// A whole stream beside its record.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Every step.
    pub steps: Vec<Step>,
}

impl Outcome {
    /// Mask entries that differ other than by a tie, over all steps.
    pub fn mismatches(&self) -> usize {
        self.steps.iter().map(|step| step.mismatches).sum()
    }

    /// The largest relative error of a score in any step.
    pub fn score_error(&self) -> f64 {
        self.steps
            .iter()
            .map(|step| step.score_error)
            .fold(0.0, f64::max)
    }

    /// Whether masks are equal but for ties and scores within [`TOLERANCE`].
    pub fn passes(&self) -> bool {
        self.mismatches() == 0 && self.score_error() <= TOLERANCE
    }
}

/// Replays the stream in a file.
///
/// # Errors
///
/// A file that cannot be read, is truncated or is no stream.
pub fn replay_file(path: &Path, device: &Device) -> Result<Outcome, ReplayError> {
    let bytes = std::fs::read(path).map_err(|source| ReplayError::Io {
        path: path.display().to_string(),
        source,
    })?;
    replay(&bytes, device)
}

/// Replays the stream in a file's bytes.
///
/// # Errors
///
/// Bytes that are truncated or no stream.
pub fn replay(bytes: &[u8], device: &Device) -> Result<Outcome, ReplayError> {
    let stream = Stream::parse(bytes)?;
    match stream.text("algorithm")? {
        "SEVEN" => {
            let config = SevenScorerConfig::new()
                .with_alpha_1(stream.number("alpha_1")?)
                .with_alpha_2(stream.number("alpha_2")?);
            run(&stream, config.init(), device)
        }
        "PLATON" => {
            let config = PlatonScorerConfig::new()
                .with_beta_1(stream.number("alpha_1")?)
                .with_beta_2(stream.number("alpha_2")?)
                .with_window(1);
            run(&stream, config.init(), device)
        }
        "movement" | "first_order" => run(&stream, SnipScorerConfig::new().init(), device),
        other => Err(ReplayError::NotAStream(format!(
            "unknown algorithm {other:?}"
        ))),
    }
}

fn run<S: Scorer>(
    stream: &Stream<'_>,
    mut scorer: ModuleScorer<S>,
    device: &Device,
) -> Result<Outcome, ReplayError> {
    let steps: usize = stream.number("steps")?;
    let schedule = CubicSchedule::new(0..steps, Sparsity::new(stream.number("sparsity")?)?);
    schedule.validate()?;
    let layers: Vec<String> = serde_json::from_str(stream.text("layers")?)
        .map_err(|error| ReplayError::NotAStream(format!("metadata layers: {error}")))?;
    let selector = Selector::default();
    let mut masks: Option<Masks> = None;
    let mut outcome = Outcome { steps: Vec::new() };
    for step in 0..steps.saturating_sub(1) {
        let grads = layers.iter().map(|layer| {
            let weight = stream.matrix(&format!("{layer}/weight/{step:04}"), device)?;
            let grad = stream.matrix(&format!("{layer}/grad/{step:04}"), device)?;
            Ok(WeightGrad::new(layer, weight, Some(grad))?)
        });
        let grads = grads.collect::<Result<Vec<_>, ReplayError>>()?;
        scorer.update(&WeightGrads::from_entries(grads))?;
        let current = masks.unwrap_or_else(|| scorer.scores().dense_masks());
        let scores = scorer.scores().masked(&current)?;
        let sparsity = schedule.sparsity_at(step, Sparsity::DENSE);
        let chosen = selector.select(&scores, &current, sparsity, false)?.masks;

        let mut record = Recorded::default();
        for ((layer, score), mask) in layers.iter().zip(scores.iter()).zip(chosen.iter()) {
            record
                .scores
                .extend(stream.floats(&format!("{layer}/score/{step:04}"))?);
            record
                .masks
                .extend(stream.bytes(&format!("{layer}/mask/{step:04}"))?);
            let values = score.value().try_to_vec_as::<f32>();
            record
                .our_scores
                .extend(values.map_err(|e| ReplayError::NotAStream(e.to_string()))?);
            record.our_masks.extend(mask.to_vec());
        }
        outcome.steps.push(record.compare(step, chosen.kept())?);
        masks = Some(chosen);
    }
    let (kept, total): (usize, usize) = (stream.number("kept")?, stream.number("total")?);
    let (Some(masks), Some(last)) = (masks, outcome.steps.last_mut()) else {
        return Err(ReplayError::NotAStream(format!("{steps} steps")));
    };
    // The metadata repeats the last mask's count and the number of weights.
    last.mismatches += masks.kept().abs_diff(kept) + masks.total().abs_diff(total);
    Ok(outcome)
}

/// One step's values of all layers, recorded and ours.
#[derive(Default)]
struct Recorded {
    scores: Vec<f32>,
    masks: Vec<u8>,
    our_scores: Vec<f32>,
    our_masks: Vec<bool>,
}

impl Recorded {
    fn compare(&self, step: usize, kept: usize) -> Result<Step, ReplayError> {
        let lengths = [
            self.masks.len(),
            self.our_scores.len(),
            self.our_masks.len(),
        ];
        if lengths.iter().any(|&length| length != self.scores.len()) {
            let text = format!("step {step}: scores, masks and weights differ in size");
            return Err(ReplayError::NotAStream(text));
        }
        let kept_scores = self
            .scores
            .iter()
            .zip(&self.masks)
            .filter(|(_, mask)| **mask == 1);
        let threshold = kept_scores
            .map(|(score, _)| *score)
            .fold(f32::INFINITY, f32::min);
        let mut mismatches = 0;
        let mut score_error = 0f64;
        for index in 0..self.scores.len() {
            let (ours, theirs) = (
                f64::from(self.our_scores[index]),
                f64::from(self.scores[index]),
            );
            let scale = theirs.abs().max(f64::from(f32::MIN_POSITIVE));
            let error = (ours - theirs).abs() / scale;
            score_error = score_error.max(if error.is_nan() { f64::INFINITY } else { error });
            let differs = self.our_masks[index] != (self.masks[index] == 1);
            mismatches += usize::from(differs && self.scores[index] != threshold);
        }
        // A tie may fall on another entry, but not on more or fewer of them.
        let recorded = self.masks.iter().filter(|&&mask| mask == 1).count();
        mismatches += kept.abs_diff(recorded);
        Ok(Step {
            step,
            kept,
            mismatches,
            score_error,
        })
    }
}

struct Stream<'a> {
    tensors: SafeTensors<'a>,
    metadata: HashMap<String, String>,
}

impl<'a> Stream<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ReplayError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let metadata = metadata.metadata().clone();
        Ok(Self {
            tensors: SafeTensors::deserialize(bytes)?,
            metadata: metadata.ok_or_else(|| ReplayError::NotAStream("no metadata".to_string()))?,
        })
    }

    fn text(&self, name: &str) -> Result<&str, ReplayError> {
        let text = self.metadata.get(name).map(String::as_str);
        text.ok_or_else(|| ReplayError::NotAStream(format!("no {name} in the metadata")))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, ReplayError> {
        let text = self.text(name)?;
        let number = text.parse();
        number.map_err(|_| ReplayError::NotAStream(format!("metadata {name} is {text:?}")))
    }

    fn data(&self, name: &str, dtype: Dtype) -> Result<(&'a [u8], Vec<usize>), ReplayError> {
        let view = self.tensors.tensor(name)?;
        if view.dtype() != dtype {
            let text = format!("{name} is {:?}, not {dtype:?}", view.dtype());
            return Err(ReplayError::NotAStream(text));
        }
        Ok((view.data(), view.shape().to_vec()))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, ReplayError> {
        Ok(self.data(name, Dtype::U8)?.0.to_vec())
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>, ReplayError> {
        let (bytes, _) = self.data(name, Dtype::F32)?;
        let chunks = bytes.as_chunks::<4>().0;
        Ok(chunks
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect())
    }

    fn matrix(&self, name: &str, device: &Device) -> Result<Tensor<2>, ReplayError> {
        let (_, shape) = self.data(name, Dtype::F32)?;
        let [rows, columns] = shape[..] else {
            return Err(ReplayError::NotAStream(format!(
                "{name} has shape {shape:?}"
            )));
        };
        let data = TensorData::new(self.floats(name)?, [rows, columns]);
        Ok(Tensor::from_data(data, device))
    }
}
