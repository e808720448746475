//! The portable path: one weight tensor at a time, on the host.

use burn::tensor::{Bool, Tensor, TensorData};

use super::{Candidates, Cut, Histogram, Kernels, Written, key_of};

/// The path that works on every backend, and the reference for the others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portable;

impl Kernels for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }
}

/// A boolean tensor's values on the host.
pub(crate) fn bools(tensor: &Tensor<1, Bool>) -> Vec<bool> {
    let data = tensor.to_data();
    data.iter::<bool>().collect()
}

/// A float32 tensor's values on the host.
pub(crate) fn floats(tensor: &Tensor<1>) -> Vec<f32> {
    let data = tensor.to_data();
    match data.as_slice::<f32>() {
        Ok(values) => values.to_vec(),
        Err(_) => data.iter::<f32>().collect(),
    }
}

/// What is to be decided about an entry.
enum Entry {
    /// It may not stay.
    Out,
    /// It stays whatever its score.
    Reserved,
    /// It stays if its score does.
    Open { score: f32, kept: bool },
}

fn entries(candidates: &Candidates<'_>) -> impl Iterator<Item = Entry> {
    let scores = floats(candidates.scores);
    let dropped = bools(candidates.dropped);
    let reserved = candidates.reserved.map(bools);
    let returns = candidates.returns;
    scores
        .into_iter()
        .zip(dropped)
        .enumerate()
        .map(move |(index, (score, dropped))| {
            if reserved.as_ref().is_some_and(|reserved| reserved[index]) {
                Entry::Reserved
            } else if dropped && !returns {
                Entry::Out
            } else {
                Entry::Open {
                    score,
                    kept: !dropped,
                }
            }
        })
}

pub(super) fn count(candidates: &Candidates<'_>, upper: Option<u16>, counts: &mut Histogram) {
    for entry in entries(candidates) {
        let Entry::Open { score, kept } = entry else {
            continue;
        };
        if score.is_nan() {
            counts.nan += 1;
            continue;
        }
        let key = key_of(score);
        let bin = match upper {
            None => (key >> 16) as usize,
            Some(upper) if (key >> 16) as u16 == upper => (key & 0xffff) as usize,
            Some(_) => continue,
        };
        let bins = if kept {
            &mut counts.kept
        } else {
            &mut counts.dropped
        };
        bins[bin] += 1;
    }
}

pub(super) fn write(candidates: &Candidates<'_>, cut: Cut) -> Written {
    let mut rest = cut;
    let mut kept_count = 0;
    let dropped: Vec<bool> = entries(candidates)
        .map(|entry| {
            let stays = match entry {
                Entry::Out => false,
                Entry::Reserved => true,
                Entry::Open { score, kept } => {
                    let ties = if kept {
                        &mut rest.kept_ties
                    } else {
                        &mut rest.dropped_ties
                    };
                    match key_of(score).cmp(&cut.key) {
                        std::cmp::Ordering::Greater => true,
                        std::cmp::Ordering::Less => false,
                        std::cmp::Ordering::Equal if *ties > 0 => {
                            *ties -= 1;
                            true
                        }
                        std::cmp::Ordering::Equal => false,
                    }
                }
            };
            kept_count += usize::from(stays);
            !stays
        })
        .collect();
    let count = dropped.len();
    Written {
        dropped: Tensor::from_data(
            TensorData::new(dropped, [count]),
            &candidates.dropped.device(),
        ),
        kept: kept_count,
        rest,
    }
}
