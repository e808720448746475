//! The portable path: one weight tensor at a time, on the host.

use std::cmp::Ordering;

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
///
/// A fresh tensor is read rather than this one: ndarray hands over the buffer of a tensor that no
/// one else holds, and copies a shared one element by element, which is far slower than making the
/// fresh one.
pub(crate) fn bools(tensor: &Tensor<1, Bool>) -> Vec<bool> {
    let opposite = tensor.clone().bool_not().into_data();
    match opposite.as_slice::<bool>() {
        Ok(values) => values.iter().map(|value| !value).collect(),
        // A backend that stores booleans as wider integers.
        Err(_) => opposite.iter::<bool>().map(|value| !value).collect(),
    }
}

/// A float32 tensor's values on the host, with -0 as 0. See [`bools`] for why a fresh one is made.
pub(crate) fn floats(tensor: &Tensor<1>) -> Vec<f32> {
    let data = tensor.clone().add_scalar(0.0).into_data();
    data.try_into_vec_as::<f32>()
        .expect("a float32 tensor should have float32 values on the host")
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

/// Hands each entry to `visit`, in order.
fn visit(candidates: &Candidates<'_>, mut visit: impl FnMut(Entry)) {
    let scores = floats(candidates.scores);
    let dropped = bools(candidates.dropped);
    let entry = |score, dropped| match dropped && !candidates.returns {
        true => Entry::Out,
        false => Entry::Open {
            score,
            kept: !dropped,
        },
    };
    let pairs = scores.into_iter().zip(dropped);
    match candidates.reserved.map(bools) {
        None => pairs.for_each(|(score, dropped)| visit(entry(score, dropped))),
        Some(reserved) => pairs
            .zip(reserved)
            .for_each(|((score, dropped), reserved)| {
                visit(match reserved {
                    true => Entry::Reserved,
                    false => entry(score, dropped),
                });
            }),
    }
}

pub(super) fn count(candidates: &Candidates<'_>, upper: Option<u16>, counts: &mut Histogram) {
    visit(candidates, |entry| {
        let Entry::Open { score, kept } = entry else {
            return;
        };
        if score.is_nan() {
            counts.nan += 1;
            return;
        }
        let key = key_of(score);
        let bin = match upper {
            None => key >> 16,
            Some(upper) if key >> 16 == u32::from(upper) => key & 0xffff,
            Some(_) => return,
        };
        let bins = match kept {
            true => &mut counts.kept,
            false => &mut counts.dropped,
        };
        bins[bin as usize] += 1;
    });
}

pub(super) fn write(candidates: &Candidates<'_>, cut: Cut) -> Written {
    let mut rest = cut;
    let mut kept_count = 0;
    let mut dropped = Vec::with_capacity(candidates.scores.shape().num_elements());
    visit(candidates, |entry| {
        let stays = match entry {
            Entry::Out => false,
            Entry::Reserved => true,
            Entry::Open { score, kept } => match key_of(score).cmp(&cut.key) {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal => {
                    let ties = match kept {
                        true => &mut rest.kept_ties,
                        false => &mut rest.dropped_ties,
                    };
                    let stays = *ties > 0;
                    *ties = ties.saturating_sub(1);
                    stays
                }
            },
        };
        kept_count += usize::from(stays);
        dropped.push(!stays);
    });
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
