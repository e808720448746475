//! Keys, transposed so that scores of many are summed side by side.

use super::super::simd::Simd;
use super::product::Rows;

/// The keys of a head.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// The keys.
    pub rows: Rows,
    /// How many there are.
    pub count: usize,
    /// How wide they are.
    pub width: usize,
}

impl Keys {
    /// How many there are with what is behind them, in whole vectors.
    #[inline(always)]
    pub fn padded<S: Simd>(self) -> usize {
        self.count.next_multiple_of(S::LANES)
    }

    /// How many of these the panel has that begins with one of the keys.
    #[inline(always)]
    pub fn panel<S: Simd>(self, first: usize) -> usize {
        (self.padded::<S>() - first).min(S::WIDE * S::LANES)
    }

    /// Transposes some keys into a panel: for each place in the keys the values of all keys of the
    /// panel, and zeros behind the last key.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn transpose<S: Simd>(self, s: S, first: usize, panel: &mut [f32]) {
        let across = self.panel::<S>(first);
        let (width, stride) = (self.width, self.rows.stride);
        for start in (0..across).step_by(S::LANES) {
            let count = S::LANES.min(self.count - (first + start));
            let from = self.rows.row(first + start);
            let fours = if count == S::LANES { width / 4 * 4 } else { 0 };
            for place in (0..fours).step_by(4) {
                // SAFETY: there are `LANES` keys from here on, of `width` values.
                let columns = unsafe { s.transpose(from.wrapping_add(place), stride) };
                for (column, vector) in columns.into_iter().enumerate() {
                    s.store(vector, &mut panel[(place + column) * across + start..]);
                }
            }
            for place in fours..width {
                let to = &mut panel[place * across + start..][..S::LANES];
                for (key, to) in to.iter_mut().enumerate() {
                    // SAFETY: one of `count` keys from here on.
                    let value = |key| unsafe { *from.wrapping_add(key * stride + place) };
                    *to = if key < count { value(key) } else { 0.0 };
                }
            }
        }
    }
}
