//! Setting what is dropped to 0.

use rayon::prelude::*;

use crate::{Flag, pieces, simd::dispatch};

/// Sets the values that are dropped to exactly 0.
///
/// # Panics
///
/// When the slices differ in length.
pub fn zero<F: Flag>(values: &mut [f32], dropped: &[F]) {
    assert_eq!(values.len(), dropped.len(), "flags of what is dropped");
    let length = pieces::length(values.len());
    values
        .par_chunks_mut(length)
        .zip(dropped.par_chunks(length))
        .for_each(|(values, dropped)| zero_piece(values, dropped));
}

/// Without a branch: what is dropped comes in no order that could be guessed.
#[inline(always)]
fn body<F: Flag>(values: &mut [f32], dropped: &[F]) {
    for (value, dropped) in values.iter_mut().zip(dropped) {
        *value = if dropped.get() { 0.0 } else { *value };
    }
}

dispatch!(body => fn zero_piece<F: Flag>(values: &mut [f32], dropped: &[F]));

#[cfg(test)]
mod tests {
    use super::zero;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn just_what_is_dropped_is_0(
            entries in prop::collection::vec((any::<f32>(), any::<bool>()), 0..200),
            repeat in 1usize..400,
        ) {
            let entries = entries.repeat(repeat);
            let (mut values, dropped): (Vec<f32>, Vec<bool>) = entries.iter().copied().unzip();
            zero(&mut values, &dropped);
            for (value, (before, dropped)) in values.into_iter().zip(entries) {
                let expected = if dropped { 0.0 } else { before };
                prop_assert_eq!(value.to_bits(), expected.to_bits());
            }
        }
    }
}
