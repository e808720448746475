//! Setting what is pruned to 0.

use rayon::prelude::*;

use crate::{Flag, pieces, simd::dispatch};

/// Sets the values that are pruned to exactly 0.
///
/// # Panics
///
/// When the slices differ in length.
pub fn zero<F: Flag>(values: &mut [f32], pruned: &[F]) {
    assert_eq!(values.len(), pruned.len(), "flags of what is pruned");
    let length = pieces::length(values.len());
    values
        .par_chunks_mut(length)
        .zip(pruned.par_chunks(length))
        .for_each(|(values, pruned)| zero_piece(values, pruned));
}

/// Without a branch: what is pruned comes in no order that could be guessed.
#[inline(always)]
fn body<F: Flag>(values: &mut [f32], pruned: &[F]) {
    for (value, pruned) in values.iter_mut().zip(pruned) {
        *value = if pruned.get() { 0.0 } else { *value };
    }
}

dispatch!(body => fn zero_piece<F: Flag>(values: &mut [f32], pruned: &[F]));

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
            let (mut values, pruned): (Vec<f32>, Vec<bool>) = entries.iter().copied().unzip();
            zero(&mut values, &pruned);
            for (value, (before, pruned)) in values.into_iter().zip(entries) {
                let expected = if pruned { 0.0 } else { before };
                prop_assert_eq!(value.to_bits(), expected.to_bits());
            }
        }
    }
}
