//! Some queries of one head.

use std::ops::Range;

use super::super::simd::Simd;
use super::super::softmax::exponentials;
use super::keys::Keys;
use super::product::{Rows, product};
use super::scratch::Scratch;
use super::{Attention, Heads};

/// Queries at a time.
const ROWS: usize = 4;

/// What one call computes; [`bounds::check`](super::bounds::check) has passed.
#[derive(Debug)]
pub struct Head<'a> {
    pub attention: &'a Attention<'a>,
    pub batch: usize,
    pub head: usize,
    pub queries: Range<usize>,
    /// The batch and head that come next.
    pub next: Option<(usize, usize)>,
    /// The output of this head's first query.
    pub output: *mut f32,
    /// How far outputs of queries are apart.
    pub stride: usize,
}

impl Head<'_> {
    /// The output of one of the queries.
    #[inline(always)]
    #[allow(unsafe_code, clippy::mut_from_ref)] // one at a time
    fn output(&self, query: usize) -> &mut [f32] {
        let to = self.output.wrapping_add(query * self.stride);
        // SAFETY: it is inside of the slice, as has been checked, and this thread's alone.
        unsafe { std::slice::from_raw_parts_mut(to, self.attention.value_width) }
    }
}

impl Heads<'_> {
    /// The head's vectors.
    #[inline(always)]
    fn rows(self, batch: usize, head: usize) -> Rows {
        let place = batch * self.batch + head * self.head;
        Rows {
            from: self.values.as_ptr().wrapping_add(place),
            stride: self.token,
        }
    }
}

#[inline(always)]
pub fn compute<S: Simd>(s: S, head: Head<'_>, scratch: &mut Scratch) {
    let attention = head.attention;
    let &Attention {
        keys,
        width,
        value_width,
        ..
    } = attention;
    if keys == 0 {
        for query in head.queries.clone() {
            head.output(query).fill(0.0);
        }
        return;
    }
    // What is read and written beyond keys and values is in the scratch.
    let all_keys = keys.next_multiple_of(S::LANES);
    let padded = value_width.next_multiple_of(S::LANES);
    let copied = if padded == value_width {
        0
    } else {
        keys * padded
    };
    // A panel that is read once stays in the nearest cache.
    let once = head.queries.len() == 1;
    let transposed = if once {
        across::<S>().min(all_keys)
    } else {
        all_keys
    };
    let [panels, values, scores] = scratch.take([transposed * width, copied, ROWS * all_keys]);
    let keys = Keys {
        rows: attention.key.rows(head.batch, head.head),
        count: keys,
        width,
    };
    if !once {
        for first in (0..all_keys).step_by(across::<S>()) {
            keys.transpose(s, first, &mut panels[first * width..]);
        }
    }
    let mut from = attention.value.rows(head.batch, head.head);
    if copied > 0 {
        copy(from, value_width, padded, values);
        from = Rows {
            from: values.as_ptr(),
            stride: padded,
        };
    }
    let mut tile = Tile {
        head: &head,
        keys,
        panels,
        values: from,
        all_keys,
    };
    let mut query = head.queries.start;
    if once {
        tile.run::<S, 1, true>(s, query, &mut scores[..all_keys]);
        return;
    }
    while query + ROWS <= head.queries.end {
        fetch(s, &head, query..query + ROWS);
        tile.run::<S, ROWS, false>(s, query, scores);
        query += ROWS;
    }
    while query < head.queries.end {
        tile.run::<S, 1, false>(s, query, &mut scores[..all_keys]);
        query += 1;
    }
}

/// Numbers that a product takes side by side.
#[inline(always)]
fn across<S: Simd>() -> usize {
    S::WIDE * S::LANES
}

/// Asks for some tokens of the next head, that they are there when it is next.
#[inline(always)]
fn fetch<S: Simd>(s: S, head: &Head<'_>, tokens: Range<usize>) {
    /// Numbers of a cache line.
    const LINE: usize = 16;
    let Some((batch, next)) = head.next else {
        return;
    };
    let a = head.attention;
    for token in tokens {
        for (vectors, width) in [
            (a.query, a.width),
            (a.key, a.width),
            (a.value, a.value_width),
        ] {
            let row = vectors.rows(batch, next).row(token);
            for place in (0..width).step_by(LINE) {
                s.fetch(row.wrapping_add(place));
            }
        }
    }
}

/// Copies rows of some width to rows of whole vectors, with zeros behind.
#[inline(always)]
#[allow(unsafe_code)]
fn copy(from: Rows, width: usize, padded: usize, to: &mut [f32]) {
    for (row, to) in to.chunks_exact_mut(padded).enumerate() {
        // SAFETY: one of the head's rows, of this width.
        let row = unsafe { std::slice::from_raw_parts(from.row(row), width) };
        let (values, rest) = to.split_at_mut(width);
        values.copy_from_slice(row);
        rest.fill(0.0);
    }
}

/// What the queries of a head have in common.
struct Tile<'a> {
    head: &'a Head<'a>,
    keys: Keys,
    /// All panels of transposed keys, or room for one.
    panels: &'a mut [f32],
    values: Rows,
    /// Keys and what is behind them, whole vectors.
    all_keys: usize,
}

impl Tile<'_> {
    /// The outputs of `R` queries. If it is `ONCE`, keys are transposed panel by panel.
    #[inline(always)]
    fn run<S: Simd, const R: usize, const ONCE: bool>(
        &mut self,
        s: S,
        query: usize,
        scores: &mut [f32],
    ) {
        self.scores::<S, R, ONCE>(s, query, scores);
        let (head, attention) = (self.head, self.head.attention);
        for (r, scores) in scores.chunks_exact_mut(self.all_keys).enumerate() {
            let scores = &mut scores[..attention.keys];
            for mask in attention.masks {
                mask.apply(head.batch, head.head, query + r, scores);
            }
        }
        let totals = exponentials::<S, R>(s, None, scores, self.all_keys, attention.keys);
        self.outputs::<S, R>(s, query, scores, totals);
    }

    /// The products of queries and keys, scaled.
    #[inline(always)]
    fn scores<S: Simd, const R: usize, const ONCE: bool>(
        &mut self,
        s: S,
        query: usize,
        scores: &mut [f32],
    ) {
        let Head {
            attention,
            batch,
            head,
            ..
        } = *self.head;
        let rows = attention.query.rows(batch, head);
        let rows = Rows {
            from: rows.row(query),
            ..rows
        };
        for first in (0..self.all_keys).step_by(across::<S>()) {
            if ONCE {
                self.keys.transpose(s, first, self.panels);
            }
            let place = if ONCE { 0 } else { first * attention.width };
            let panel = &self.panels[place..];
            match self.keys.panel::<S>(first) / S::LANES {
                1 => self.panel::<S, R, 1>(s, rows, panel, first, scores),
                2 => self.panel::<S, R, 2>(s, rows, panel, first, scores),
                3 if S::WIDE > 2 => self.panel::<S, R, 3>(s, rows, panel, first, scores),
                _ if S::WIDE > 2 => self.panel::<S, R, 4>(s, rows, panel, first, scores),
                _ => {}
            }
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn panel<S: Simd, const R: usize, const N: usize>(
        &self,
        s: S,
        queries: Rows,
        panel: &[f32],
        first: usize,
        scores: &mut [f32],
    ) {
        let attention = self.head.attention;
        let across = N * S::LANES;
        let keys = Rows {
            from: panel[..across * attention.width].as_ptr(),
            stride: across,
        };
        // SAFETY: `R` queries of the head are there, and the panel has `width` rows of `N` vectors.
        let sums = unsafe { product::<S, R, N>(s, queries, keys, attention.width) };
        let scale = s.splat(attention.scale);
        for (r, sums) in sums.iter().enumerate() {
            let scores = &mut scores[r * self.all_keys + first..][..across];
            for (n, &sum) in sums.iter().enumerate() {
                s.store(s.mul(sum, scale), &mut scores[n * S::LANES..]);
            }
        }
    }

    /// The products of the exponentials and values, divided by the exponentials' totals.
    #[inline(always)]
    fn outputs<S: Simd, const R: usize>(
        &self,
        s: S,
        query: usize,
        scores: &[f32],
        totals: [f32; R],
    ) {
        let width = self.head.attention.value_width;
        for first in (0..width).step_by(across::<S>()) {
            match (width - first).div_ceil(S::LANES).min(S::WIDE) {
                1 => self.output::<S, R, 1>(s, query, scores, totals, first),
                2 => self.output::<S, R, 2>(s, query, scores, totals, first),
                3 if S::WIDE > 2 => self.output::<S, R, 3>(s, query, scores, totals, first),
                _ if S::WIDE > 2 => self.output::<S, R, 4>(s, query, scores, totals, first),
                _ => {}
            }
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn output<S: Simd, const R: usize, const N: usize>(
        &self,
        s: S,
        query: usize,
        scores: &[f32],
        totals: [f32; R],
        first: usize,
    ) {
        let Attention {
            keys, value_width, ..
        } = *self.head.attention;
        assert_eq!(scores.len(), R * self.all_keys);
        let scores = Rows {
            from: scores.as_ptr(),
            stride: self.all_keys,
        };
        let values = Rows {
            from: self.values.from.wrapping_add(first),
            ..self.values
        };
        // SAFETY: `R` rows of scores have more than `keys`, and as many rows of values have `N`
        // vectors from `first` on.
        let sums = unsafe { product::<S, R, N>(s, scores, values, keys) };
        let count = (value_width - first).min(N * S::LANES);
        for (r, sums) in sums.iter().enumerate() {
            let factor = s.splat(1.0 / totals[r]);
            let to = &mut self.head.output(query + r)[first..][..count];
            for (n, &sum) in sums.iter().enumerate() {
                let value = s.mul(sum, factor);
                let to = &mut to[n * S::LANES..];
                match to.len() >= S::LANES {
                    true => s.store(value, to),
                    false => s.store_part(value, to),
                }
            }
        }
    }
}
