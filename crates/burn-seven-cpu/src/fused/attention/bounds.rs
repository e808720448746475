//! Where values lie, checked before kernels read and write without looking.

use super::{Attention, Heads, Mask, OutStrides};

/// # Panics
///
/// When a value, a mask or an output lies outside of its slice, or outputs overlap.
pub fn check(attention: &Attention<'_>, output: &[f32], out: OutStrides) {
    let &Attention {
        batch,
        heads,
        queries,
        keys,
        width,
        value_width,
        ..
    } = attention;
    let vectors = |of: Heads<'_>, tokens: usize, width: usize, name: &str| {
        let axes = [
            (batch, of.batch),
            (tokens, of.token),
            (heads, of.head),
            (width, 1),
        ];
        fits(axes, of.values.len(), name);
    };
    vectors(attention.query, queries, width, "queries");
    vectors(attention.key, keys, width, "keys");
    vectors(attention.value, keys, value_width, "values");
    for mask in attention.masks {
        let (length, strides) = match mask {
            Mask::Fill { flags, strides, .. } => (flags.len(), strides),
            Mask::Add { values, strides } => (values.len(), strides),
        };
        let axes = [
            (batch, strides.batch),
            (heads, strides.head),
            (queries, strides.query),
            (keys, strides.key),
        ];
        fits(axes, length, "masks");
    }
    let mut axes = [
        (batch, out.batch),
        (queries, out.token),
        (heads, out.head),
        (value_width, 1),
    ];
    fits(axes, output.len(), "outputs");
    // The axes with the least strides first: each steps over all that those before it reach.
    axes.sort_by_key(|&(count, stride)| (stride, count));
    let mut reached = 1;
    for (count, stride) in axes {
        if count > 1 {
            assert!(stride >= reached, "outputs overlap");
            reached += stride * (count - 1);
        }
    }
}

/// # Panics
///
/// When something lies outside of so many values.
fn fits(axes: [(usize, usize); 4], length: usize, name: &str) {
    if axes.iter().any(|&(count, _)| count == 0) {
        return;
    }
    let last = axes.into_iter().try_fold(0usize, |place, (count, stride)| {
        place.checked_add((count - 1).checked_mul(stride)?)
    });
    assert!(
        last.is_some_and(|last| last < length),
        "{name} outside of {length} values"
    );
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn the_last_place_is_inside() {
        fits([(2, 12), (3, 4), (1, 99), (4, 1)], 24, "values");
        fits([(0, 12), (3, 4), (1, 99), (4, 1)], 0, "values");
        fits([(5, 0), (5, 0), (5, 0), (5, 0)], 1, "values");
    }

    #[test]
    #[should_panic(expected = "values outside of 23 values")]
    fn one_too_few() {
        fits([(2, 12), (3, 4), (1, 99), (4, 1)], 23, "values");
    }

    #[test]
    #[should_panic(expected = "outside")]
    fn beyond_what_can_be_counted() {
        fits([(3, usize::MAX), (3, 4), (1, 99), (4, 1)], 24, "values");
    }
}
