//! Finding NaN and infinite values.

use burn::backend::{DispatchDevice, LibTorch};
use burn::tensor::Tensor;
use tch::{Kind, TchError};

use crate::{numbers, pieces};

/// Whether every value is finite, by one number read for all tensors together.
///
/// A sum that is finite has only finite terms. Only when it is not, which finite terms may cause by
/// overflow, are the values looked at by themselves.
pub fn all_finite(tensors: &[&Tensor<1>]) -> Result<bool, TchError> {
    let tensors: Vec<tch::Tensor> = tensors
        .iter()
        .map(|tensor| raw(tensor))
        .collect::<Result<_, _>>()?;
    let sums = tensors.iter().map(|tensor| tensor.f_sum(Kind::Float));
    let sums: Vec<tch::Tensor> = sums.collect::<Result<_, _>>()?;
    let Some(sums) = numbers::together(&sums)? else {
        return Ok(true);
    };
    if sums.f_isfinite()?.f_all()?.try_into()? {
        return Ok(true);
    }
    let mut finite = Vec::new();
    for tensor in &tensors {
        for piece in pieces::of(tensor) {
            finite.push(piece.of(tensor)?.f_isfinite()?.f_all()?);
        }
    }
    match numbers::together(&finite)? {
        Some(finite) => finite.f_all()?.try_into(),
        None => Ok(true),
    }
}

/// A float tensor of libtorch, of any width.
fn raw(tensor: &Tensor<1>) -> Result<tch::Tensor, TchError> {
    match tensor.device().as_dispatch() {
        DispatchDevice::LibTorch(_) => {}
        _ => return Err(TchError::Kind("not a tensor of libtorch".to_string())),
    }
    let primitive = tensor.clone().try_into_primitive::<LibTorch>();
    let primitive = primitive.map_err(|error| TchError::Convert(format!("{error:?}")))?;
    Ok(primitive.tensor)
}
