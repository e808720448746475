//! Scores of queries and keys, softmax, and the sum of values, head by head.

use burn::backend::flex::Layout;
use burn::tensor::{DType, Shape};
use burn_seven_cpu::fused;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// What a mask does to the scores.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MaskKind {
    /// Sets them to this where the mask is true.
    Fill(f32),
    /// Adds the mask to them.
    Add,
}

/// `softmax(scale q k + masks) v` for q of shape `[batch, heads, queries, width]`, k of shape
/// `[batch, heads, keys, width]`, v of shape `[batch, heads, keys, values]`, and masks that
/// broadcast to `[batch, heads, queries, keys]`.
#[derive(Debug, Clone)]
pub(crate) struct Attention {
    pub scale: f32,
    /// What the inputs after the first three are, in the order they are applied.
    pub masks: Vec<MaskKind>,
    /// Whether k has shape `[batch, heads, width, keys]`, as products have it.
    pub transposed: bool,
}

impl Kernel for Attention {
    fn name(&self) -> String {
        match self.masks.len() {
            0 => "attention".to_string(),
            masks => format!("attention with {masks} masks"),
        }
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let mut inputs = inputs.into_iter();
        let (Some(query), Some(key), Some(value), [shape]) =
            (inputs.next(), inputs.next(), inputs.next(), shapes)
        else {
            return Vec::new();
        };
        let [batch, heads, queries, width] = query.shape().dims();
        let key = if self.transposed {
            key.transposed()
        } else {
            key
        };
        let keys = key.shape().dims::<4>()[2];
        let values = value.shape().dims::<4>()[3];
        let query = vectors(query);
        let key = vectors(key);
        let value = vectors(value);
        let given: Vec<Value> = inputs.map(forward).collect();
        let scores = [batch, heads, queries, keys];
        let masks: Vec<fused::Mask<'_>> = given
            .iter()
            .zip(&self.masks)
            .map(|(mask, kind)| put_on(mask, *kind, scores))
            .collect();
        // Token after token, the heads of each beside each other, as the next layer reads them.
        let mut output = pool.take(batch * queries * heads * values);
        let strides = [queries * heads * values, values, heads * values, 1];
        let attention = fused::Attention {
            query: heads_of(&query),
            key: heads_of(&key),
            value: heads_of(&value),
            batch,
            heads,
            queries,
            keys,
            width,
            value_width: values,
            scale: self.scale,
            masks: &masks,
        };
        let to = fused::OutStrides {
            batch: strides[0],
            head: strides[1],
            token: strides[2],
        };
        fused::attention(&attention, &mut output, to);
        drop(masks);
        // All three may be views of one memory, which the last of them gives back.
        for value in [query, key, value] {
            pool.take_back(value);
        }
        let strides = strides.map(|stride| stride as isize).to_vec();
        let count = output.len();
        let output = Value::from_floats(output, Shape::new([count]));
        vec![output.with_layout(Layout::new(shape.clone(), strides, 0))]
    }
}

/// The tensor with each vector's values beside each other.
fn vectors(value: Value) -> Value {
    let layout = value.layout();
    match layout.strides().last() == Some(&1) || layout.shape().iter().last() == Some(&1) {
        true => forward(value),
        false => value.contiguous(),
    }
}

/// The tensor with no axis reversed.
fn forward(value: Value) -> Value {
    match value.layout().strides().iter().all(|stride| *stride >= 0) {
        true => value,
        false => value.contiguous(),
    }
}

fn heads_of(value: &Value) -> fused::Heads<'_> {
    let layout = value.layout();
    let stride = |axis: usize| layout.strides()[axis].unsigned_abs();
    fused::Heads {
        values: &value.memory()[layout.start_offset()..],
        batch: stride(0),
        head: stride(1),
        token: stride(2),
    }
}

fn put_on(mask: &Value, kind: MaskKind, scores: [usize; 4]) -> fused::Mask<'_> {
    let layout = mask.layout();
    // An axis of size 1 is broadcast; missing axes are the leading ones.
    let missing = 4 - layout.num_dims();
    let stride = |axis: usize| match axis.checked_sub(missing) {
        Some(own) if layout.shape()[own] == scores[axis] && scores[axis] > 1 => {
            layout.strides()[own].unsigned_abs()
        }
        _ => 0,
    };
    let strides = fused::Strides {
        batch: stride(0),
        head: stride(1),
        query: stride(2),
        key: stride(3),
    };
    let start = layout.start_offset();
    match (kind, mask.dtype()) {
        (MaskKind::Fill(value), DType::Bool(_)) => fused::Mask::Fill {
            flags: &mask.0.bytes()[start..],
            strides,
            value,
        },
        _ => fused::Mask::Add {
            values: &mask.memory()[start..],
            strides,
        },
    }
}

impl Value {
    /// The last two axes swapped.
    fn transposed(self) -> Self {
        let rank = self.layout().num_dims();
        let layout = self.layout().transpose(rank - 2, rank - 1);
        self.with_layout(layout)
    }
}
