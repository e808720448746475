//! The portable path: Burn's tensor operations, and one weight tensor at a time on the host.

use std::cmp::Ordering;

use burn::tensor::{Bool, DType, FloatDType, Tensor, TensorData};

use crate::histogram::Place;
use crate::{Candidates, Digit, Histogram, Kernels, Rewrite, Threshold, key_of};

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
pub fn bools(tensor: &Tensor<1, Bool>) -> Vec<bool> {
    let opposite = tensor.clone().bool_not().into_data();
    match opposite.as_slice::<bool>() {
        Ok(values) => values.iter().map(|value| !value).collect(),
        // A backend that stores booleans as wider integers.
        Err(_) => opposite.iter::<bool>().map(|value| !value).collect(),
    }
}

/// A float tensor's values on the host, with -0 as 0. See [`bools`] for why a fresh one is made.
pub fn floats(tensor: &Tensor<1>) -> Vec<f32> {
    let data = tensor.clone().add_scalar(0.0).into_data();
    data.try_into_vec_as::<f32>()
        .expect("a float tensor should have float values on the host")
}

/// See [`Kernels::all_finite`].
///
/// A sum that is finite has only finite terms, so one number tells for all tensors together; only
/// when it is not finite, which finite terms may cause by overflow, is each looked at by itself.
pub fn all_finite(tensors: &[&Tensor<1>]) -> bool {
    let sum = |values: &&Tensor<1>| match values.dtype() {
        // Half precision overflows soon.
        DType::F16 => (*values).clone().cast(FloatDType::F32).sum(),
        _ => (*values).clone().sum().cast(FloatDType::F32),
    };
    let Some(total) = tensors.iter().map(sum).reduce(|total, sum| total + sum) else {
        return true;
    };
    if total.into_scalar::<f32>().is_finite() {
        return true;
    }
    tensors
        .iter()
        .all(|values| (*values).clone().is_finite().all().into_scalar::<bool>())
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
    let pruned = bools(candidates.pruned);
    let entry = |score, pruned| match pruned && !candidates.regrows {
        true => Entry::Out,
        false => Entry::Open {
            score,
            kept: !pruned,
        },
    };
    let pairs = scores.into_iter().zip(pruned);
    match candidates.reserved.map(bools) {
        None => pairs.for_each(|(score, pruned)| visit(entry(score, pruned))),
        Some(reserved) => pairs.zip(reserved).for_each(|((score, pruned), reserved)| {
            visit(match reserved {
                true => Entry::Reserved,
                false => entry(score, pruned),
            });
        }),
    }
}

/// See [`Kernels::count`].
pub fn count(candidates: &Candidates<'_>, digit: Digit, counts: &mut Histogram) {
    let mut above = 0;
    visit(candidates, |entry| {
        let Entry::Open { score, kept } = entry else {
            return;
        };
        if score.is_nan() {
            counts.nan += 1;
            return;
        }
        match digit.place(key_of(score)) {
            Place::Above => above += 1,
            Place::Below => {}
            Place::Bin(bin) if kept => counts.kept[bin] += 1,
            Place::Bin(bin) => counts.pruned[bin] += 1,
        }
    });
    counts.above.push(above);
}

/// See [`Kernels::write`]; takes the ties that stay off the threshold.
pub fn write(rewrite: Rewrite<'_>, threshold: &mut Threshold) -> (Tensor<1, Bool>, u64) {
    let mut kept_count = 0;
    let mut pruned = Vec::with_capacity(rewrite.scores.shape().num_elements());
    visit(&rewrite.candidates(), |entry| {
        let stays = match entry {
            Entry::Out => false,
            Entry::Reserved => true,
            Entry::Open { score, kept } => match key_of(score).cmp(&threshold.key) {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal if kept => threshold.kept.take(),
                Ordering::Equal => threshold.pruned.take(),
            },
        };
        kept_count += u64::from(stays);
        pruned.push(!stays);
    });
    let data = TensorData::new(pruned, rewrite.scores.shape());
    let mask = Tensor::from_data(data, &rewrite.pruned.device());
    (mask, kept_count)
}
