//! What becomes of the scores of a query.

use super::{Mask, Strides};

impl Mask<'_> {
    /// Applies it to the scores of one query with all keys.
    #[inline(always)]
    pub(super) fn apply(&self, batch: usize, head: usize, query: usize, scores: &mut [f32]) {
        let start =
            |strides: &Strides| batch * strides.batch + head * strides.head + query * strides.query;
        match self {
            Mask::Fill {
                flags,
                strides,
                value,
            } => {
                let flags = &flags[start(strides)..];
                match strides.key {
                    0 if flags[0] != 0 => scores.fill(*value),
                    0 => {}
                    // Of its own, for the compiler to vectorize.
                    1 => fill(scores, flags.iter(), *value),
                    key => fill(scores, flags.iter().step_by(key), *value),
                }
            }
            Mask::Add { values, strides } => {
                let values = &values[start(strides)..];
                match strides.key {
                    0 => add(scores, std::iter::repeat(&values[0])),
                    1 => add(scores, values.iter()),
                    key => add(scores, values.iter().step_by(key)),
                }
            }
        }
    }
}

#[inline(always)]
fn fill<'a>(scores: &mut [f32], flags: impl Iterator<Item = &'a u8>, value: f32) {
    for (score, &flag) in scores.iter_mut().zip(flags) {
        *score = if flag != 0 { value } else { *score };
    }
}

#[inline(always)]
fn add<'a>(scores: &mut [f32], values: impl Iterator<Item = &'a f32>) {
    for (score, &value) in scores.iter_mut().zip(values) {
        *score += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_say_where_masks_lie() {
        let strides = |query, key| Strides {
            batch: 100,
            head: 10,
            query,
            key,
        };
        let mut flags = [0; 300];
        (flags[215], flags[217], flags[219]) = (1, 2, 1);
        let filled = |query, strides: Strides| {
            let mut scores = [1.0, 2.0, 3.0];
            Mask::Fill {
                flags: &flags,
                strides,
                value: -9.0,
            }
            .apply(2, 1, query, &mut scores);
            scores
        };
        assert_eq!(filled(5, strides(1, 0)), [-9.0; 3]);
        assert_eq!(filled(4, strides(1, 0)), [1.0, 2.0, 3.0]);
        assert_eq!(filled(5, strides(1, 1)), [-9.0, 2.0, -9.0]);
        assert_eq!(filled(2, strides(2, 3)), [1.0, -9.0, 3.0]);

        let values: Vec<f32> = (0..300).map(|index| index as f32).collect();
        let added = |query, strides: Strides| {
            let mut scores = [1.0, 2.0, 3.0];
            Mask::Add {
                values: &values,
                strides,
            }
            .apply(2, 1, query, &mut scores);
            scores
        };
        assert_eq!(added(5, strides(1, 0)), [216.0, 217.0, 218.0]);
        assert_eq!(added(5, strides(0, 1)), [211.0, 213.0, 215.0]);
        assert_eq!(added(2, strides(2, 3)), [215.0, 219.0, 223.0]);
    }
}
