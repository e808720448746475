//! What a kernel reads: a row, or the sum of two, of which nothing is kept.

use super::simd::Simd;

/// A row of numbers.
pub trait Operand: Copy {
    /// How many there are.
    fn len(self) -> usize;

    /// The vector from a place on.
    ///
    /// # Panics
    ///
    /// When it does not fit.
    fn vector<S: Simd>(self, s: S, at: usize) -> S::V;

    /// `count` numbers from a place on, no more than a vector, and `rest` behind them.
    ///
    /// # Panics
    ///
    /// When there are more.
    fn part<S: Simd>(self, s: S, at: usize, count: usize, rest: f32) -> S::V;
}

impl Operand for &[f32] {
    #[inline(always)]
    fn len(self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S, at: usize) -> S::V {
        s.load(&self[at..])
    }

    #[inline(always)]
    fn part<S: Simd>(self, s: S, at: usize, count: usize, rest: f32) -> S::V {
        s.load_part(&self[at..][..count], rest)
    }
}

/// `a + b` of two rows.
#[derive(Debug, Clone, Copy)]
pub struct Sum<'a>(&'a [f32], &'a [f32]);

impl<'a> Sum<'a> {
    /// # Panics
    ///
    /// When they are of different lengths.
    #[inline(always)]
    pub fn new(a: &'a [f32], b: &'a [f32]) -> Self {
        assert_eq!(a.len(), b.len());
        Self(a, b)
    }
}

impl Operand for Sum<'_> {
    #[inline(always)]
    fn len(self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S, at: usize) -> S::V {
        s.add(s.load(&self.0[at..]), s.load(&self.1[at..]))
    }

    #[inline(always)]
    fn part<S: Simd>(self, s: S, at: usize, count: usize, rest: f32) -> S::V {
        s.add(
            s.load_part(&self.0[at..][..count], rest),
            s.load_part(&self.1[at..][..count], 0.0),
        )
    }
}

/// `a * b` of two rows.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a>(&'a [f32], &'a [f32]);

impl<'a> Product<'a> {
    /// # Panics
    ///
    /// When they are of different lengths.
    #[inline(always)]
    pub fn new(a: &'a [f32], b: &'a [f32]) -> Self {
        assert_eq!(a.len(), b.len());
        Self(a, b)
    }
}

impl Operand for Product<'_> {
    #[inline(always)]
    fn len(self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S, at: usize) -> S::V {
        s.mul(s.load(&self.0[at..]), s.load(&self.1[at..]))
    }

    #[inline(always)]
    fn part<S: Simd>(self, s: S, at: usize, count: usize, rest: f32) -> S::V {
        s.mul(
            s.load_part(&self.0[at..][..count], rest),
            s.load_part(&self.1[at..][..count], 1.0),
        )
    }
}

/// Writes a row.
///
/// # Panics
///
/// When `output` is of another length.
#[inline(always)]
pub fn write<S: Simd>(s: S, row: impl Operand, output: &mut [f32]) {
    assert_eq!(output.len(), row.len());
    let mut vectors = output.chunks_exact_mut(S::LANES);
    let mut at = 0;
    for vector in &mut vectors {
        s.store(row.vector(s, at), vector);
        at += S::LANES;
    }
    let rest = vectors.into_remainder();
    if !rest.is_empty() {
        s.store_part(row.part(s, at, rest.len(), 0.0), rest);
    }
}
