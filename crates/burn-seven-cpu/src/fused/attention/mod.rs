//! Attention in one pass: the scores of a few queries at a time, which stay in the nearest cache.
//!
//! Keys of a head are transposed first, so that scores of many keys are summed side by side.

mod bounds;
mod head;
mod keys;
mod mask;
mod product;
mod scratch;

use rayon::prelude::*;

use self::head::{Head, compute};
use self::scratch::Scratch;
use super::simd::by_level;
use super::split;
use crate::sparse::Level;

/// What a multiplication takes, about, in nanoseconds.
const COST: f64 = 0.03;

/// Queries of a part of a head, at least: keys are transposed for each part.
const QUERIES: usize = 64;

/// Vectors of all heads: value `(b, t, h, i)`, of a batch, token, head and place in the vector, lies
/// at `b * batch + t * token + h * head + i`.
#[derive(Debug, Clone, Copy)]
pub struct Heads<'a> {
    /// The values.
    pub values: &'a [f32],
    /// How far batches are apart.
    pub batch: usize,
    /// How far tokens are apart.
    pub token: usize,
    /// How far heads are apart.
    pub head: usize,
}

/// Where the mask of a score lies: that of `(b, h, q, k)`, of a batch, head, query and key, at
/// `b * batch + h * head + q * query + k * key`. A stride of 0 is for what is the same for all.
#[derive(Debug, Clone, Copy)]
pub struct Strides {
    /// How far batches are apart.
    pub batch: usize,
    /// How far heads are apart.
    pub head: usize,
    /// How far queries are apart.
    pub query: usize,
    /// How far keys are apart.
    pub key: usize,
}

/// Where outputs lie: value `(b, t, h, i)` at `b * batch + t * token + h * head + i`.
#[derive(Debug, Clone, Copy)]
pub struct OutStrides {
    /// How far batches are apart.
    pub batch: usize,
    /// How far tokens are apart.
    pub token: usize,
    /// How far heads are apart.
    pub head: usize,
}

/// What becomes of scores before the softmax.
#[derive(Debug, Clone, Copy)]
pub enum Mask<'a> {
    /// Some are given a value.
    Fill {
        /// Those whose flag is not 0.
        flags: &'a [u8],
        /// Where the flags lie.
        strides: Strides,
        /// The value, such as -∞.
        value: f32,
    },
    /// Something is added to each.
    Add {
        /// What is added.
        values: &'a [f32],
        /// Where it lies.
        strides: Strides,
    },
}

/// The inputs of an [`attention`].
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// The queries, `queries` tokens of `width` values.
    pub query: Heads<'a>,
    /// The keys, `keys` tokens of `width` values.
    pub key: Heads<'a>,
    /// The values, `keys` tokens of `value_width` values.
    pub value: Heads<'a>,
    /// How many batches there are.
    pub batch: usize,
    /// How many heads there are.
    pub heads: usize,
    /// How many queries there are.
    pub queries: usize,
    /// How many keys there are.
    pub keys: usize,
    /// How wide queries and keys are.
    pub width: usize,
    /// How wide values and outputs are.
    pub value_width: usize,
    /// What scores are multiplied by.
    pub scale: f32,
    /// What is done to them then, in this order.
    pub masks: &'a [Mask<'a>],
}

/// `softmax(scale * query key^T, masked) value` for each batch and head; the output has the form of
/// [`Heads`], `queries` tokens of `value_width` values.
///
/// A row of scores with a NaN, with +∞ or with nothing but -∞ gives NaN, as [softmax](super::softmax)
/// does. Without keys the output is 0. Values between the outputs stay as they are.
///
/// # Panics
///
/// When a value, a mask or an output lies outside of its slice, or outputs overlap.
pub fn attention(attention: &Attention<'_>, output: &mut [f32], out: OutStrides) {
    attention_with(Level::best(), attention, output, out);
}

fn attention_with(level: Level, attention: &Attention<'_>, output: &mut [f32], out: OutStrides) {
    bounds::check(attention, output, out);
    let Attention {
        batch,
        heads,
        queries,
        keys,
        ..
    } = *attention;
    if [batch, heads, queries, attention.value_width].contains(&0) {
        return;
    }
    let each = queries * keys * (attention.width + attention.value_width);
    let heads_each = split::rows(batch * heads, each as f64 * COST);
    let threads = rayon::current_num_threads();
    // Heads that are too few for the threads are split too.
    let parts = match heads_each < batch * heads && batch * heads < 2 * threads {
        true => (2 * threads)
            .div_ceil(batch * heads)
            .min(queries.div_ceil(QUERIES)),
        false => 1,
    };
    let share = queries.div_ceil(parts);
    let output = Output(output.as_mut_ptr());
    let one = |scratch: &mut Scratch, index: usize| {
        let (index, part) = (index / parts, index % parts);
        let (b, head) = (index / heads, index % heads);
        let first = (part * share).min(queries);
        let next = index + 1;
        let head = Head {
            attention,
            batch: b,
            head,
            queries: first..(first + share).min(queries),
            next: (next < batch * heads).then_some((next / heads, next % heads)),
            output: output.at(b * out.batch + head * out.head),
            stride: out.token,
        };
        head_at(level, head, scratch);
    };
    let count = batch * heads * parts;
    if heads_each >= batch * heads {
        let mut scratch = Scratch::default();
        (0..count).for_each(|index| one(&mut scratch, index));
    } else {
        let all = (0..count).into_par_iter();
        all.for_each_init(Scratch::default, one);
    }
}

by_level!(compute => fn head_at(head: Head<'_>, scratch: &mut Scratch));

/// The outputs, of which threads write different ones.
#[derive(Debug, Clone, Copy)]
struct Output(*mut f32);

impl Output {
    fn at(self, place: usize) -> *mut f32 {
        self.0.wrapping_add(place)
    }
}

#[allow(unsafe_code)]
// SAFETY: `bounds::check` asserts that no two heads and queries have outputs in common, and each is
// computed by one thread.
unsafe impl Send for Output {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Output {}

#[cfg(test)]
mod tests;
