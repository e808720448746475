//! Finding NaN and infinite values.

use burn::tensor::{Device, Tensor};

use super::{Values, WeightGrads};
use crate::Error;
use crate::kernels::KernelChoice;

/// How many tensors are looked at together: one answer is waited for, and copies of tensors that
/// are not contiguous live as long.
const TOGETHER: usize = 32;

/// Checks that every weight and gradient is finite: those of a device together, and each by
/// itself only where that fails.
///
/// # Errors
///
/// [`Error::NonFinite`] with the first weight that is not.
pub(crate) fn check_finite(grads: &WeightGrads, kernels: &KernelChoice) -> Result<(), Error> {
    // Some tensors of a device are looked at together; matrices that would have to be copied for
    // that are looked at as they lie, where the backend can.
    let mut devices: Vec<(Device, Vec<Tensor<1>>)> = Vec::new();
    let finite = |device: &Device, tensors: &[Tensor<1>]| {
        let tensors: Vec<_> = tensors.iter().collect();
        kernels.at(device).all_finite(&tensors)
    };
    let mut all = true;
    for values in grads
        .iter()
        .flat_map(|entry| std::iter::once(entry.stored()).chain(entry.stored_grad()))
    {
        let device = values.device();
        if let Values::Matrix(matrix) = values
            && let Some(finite) = kernels.at(&device).matrix_finite(matrix)
        {
            all &= finite;
            continue;
        }
        let index = devices.iter().position(|(known, _)| *known == device);
        let index = index.unwrap_or_else(|| {
            devices.push((device.clone(), Vec::new()));
            devices.len() - 1
        });
        let waiting = &mut devices[index].1;
        waiting.push(values.flat());
        if waiting.len() == TOGETHER {
            all &= finite(&device, &std::mem::take(waiting));
        }
    }
    all &= devices
        .iter()
        .all(|(device, tensors)| finite(device, tensors));
    if all {
        return Ok(());
    }
    for entry in grads.iter() {
        let named = [
            ("weight", Some(entry.stored())),
            ("gradient", entry.stored_grad()),
        ];
        for (what, values) in named {
            let finite =
                |values: &Values| kernels.at(&values.device()).all_finite(&[&values.flat()]);
            if values.is_some_and(|values| !finite(values)) {
                return Err(Error::NonFinite {
                    what,
                    path: entry.weight().path().to_string(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::testing::one_weight;

    fn check(weight: &[f32], grad: &[f32]) -> Result<(), Error> {
        check_finite(&one_weight(weight, grad), &KernelChoice::default())
    }

    #[test]
    fn sums_that_overflow_are_not_mistaken_for_infinite_values() {
        let large = [f32::MAX, f32::MAX];
        assert_eq!(check(&large, &large), Ok(()));
    }

    #[test]
    fn infinite_values_that_cancel_are_found() {
        let path = "weight".to_string();
        assert_eq!(
            check(&[1.0, 2.0], &[f32::INFINITY, f32::NEG_INFINITY]),
            Err(Error::NonFinite {
                what: "gradient",
                path
            })
        );
    }
}
