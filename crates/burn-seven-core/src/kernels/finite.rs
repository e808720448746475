//! Finding NaN and infinite values.

use burn::tensor::Tensor;

use crate::{Error, WeightGrads};

/// Checks that every weight and gradient is finite.
///
/// A sum that is finite has only finite terms, so one number tells for all tensors together; only
/// when it is not finite, which finite terms may cause by overflow, is each looked at by itself.
///
/// # Errors
///
/// [`Error::NonFinite`] with the first such weight.
pub(crate) fn check_finite(grads: &WeightGrads) -> Result<(), Error> {
    let sums = grads.iter().flat_map(|entry| {
        std::iter::once(entry.weight())
            .chain(entry.grad())
            .map(|values| values.clone().sum())
    });
    // A model may be spread over devices; one that is not is not moved by this.
    let Some(total) = sums.reduce(|total, sum| {
        let device = total.device();
        total + sum.to_device(&device)
    }) else {
        return Ok(());
    };
    if total.into_scalar::<f32>().is_finite() {
        return Ok(());
    }
    for entry in grads.iter() {
        let named = [("weight", Some(entry.weight())), ("gradient", entry.grad())];
        for (what, values) in named {
            if values.is_some_and(|values| !all_finite(values)) {
                return Err(Error::NonFinite {
                    what,
                    path: entry.path().to_string(),
                });
            }
        }
    }
    Ok(())
}

fn all_finite(values: &Tensor<1>) -> bool {
    values.clone().is_finite().all().into_scalar::<bool>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::one_weight;

    #[test]
    fn sums_that_overflow_are_not_mistaken_for_infinite_values() {
        let grads = one_weight(&[f32::MAX, f32::MAX], &[f32::MAX, f32::MAX]);
        assert_eq!(check_finite(&grads), Ok(()));
    }

    #[test]
    fn infinite_values_that_cancel_are_found() {
        let grads = one_weight(&[1.0, 2.0], &[f32::INFINITY, f32::NEG_INFINITY]);
        let path = "weight".to_string();
        assert_eq!(
            check_finite(&grads),
            Err(Error::NonFinite {
                what: "gradient",
                path
            })
        );
    }
}
