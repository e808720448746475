//! The types that floats and others are written as.

use burn::tensor::{BoolStore, DType, DataError, TensorData};

use super::SaveConfig;
use crate::SparseError;

/// The type under which a parameter is written.
pub(super) fn stored_type(
    config: &SaveConfig,
    path: &str,
    dtype: DType,
) -> Result<DType, SparseError> {
    match (dtype, config.dtype) {
        (DType::QFloat(_), _) => Err(SparseError::Quantized {
            path: path.to_string(),
        }),
        (dtype, Some(float)) if dtype.is_float() => Ok(float.into()),
        (DType::Flex32, None) => Ok(DType::F32),
        (DType::Bool(_), _) => Ok(DType::Bool(BoolStore::Native)),
        (dtype, _) => Ok(dtype),
    }
}

/// `data` in another type; no finite value becomes infinite.
pub(super) fn cast(path: &str, data: TensorData, to: DType) -> Result<TensorData, SparseError> {
    let from = data.dtype();
    if from == to {
        return Ok(data);
    }
    if data.num_elements() == 0 {
        let empty = TensorData::try_from_bytes_vec(Vec::new(), data.shape().clone(), to);
        return empty.map_err(failed(path));
    }
    let cast = finite(data, to).map_err(failed(path))?;
    cast.ok_or_else(|| SparseError::TooLarge {
        path: path.to_string(),
        expected: to,
        found: from,
    })
}

/// `data` in another type; none where a finite value would become infinite.
pub(super) fn finite(data: TensorData, to: DType) -> Result<Option<TensorData>, DataError> {
    let infinite = |data: &TensorData| match to.is_float() {
        true => data
            .iter::<f64>()
            .filter(|value| value.is_infinite())
            .count(),
        false => 0,
    };
    let before = infinite(&data);
    let cast = data.try_cast(to)?;
    Ok((infinite(&cast) <= before).then_some(cast))
}

fn failed(path: &str) -> impl FnOnce(DataError) -> SparseError {
    let path = path.to_string();
    move |error| SparseError::Tensor {
        path,
        reason: error.to_string(),
    }
}

pub(super) fn unsupported(path: &str, dtype: DType) -> SparseError {
    SparseError::UnsupportedType {
        path: path.to_string(),
        found: format!("{dtype:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finite_values_stay_finite() {
        let data = |values: Vec<f32>| TensorData::new(values, [2]);
        let half = cast("a", data(vec![65504.0, f32::INFINITY]), DType::F16).unwrap();
        assert_eq!(half.dtype(), DType::F16);
        let error = cast("a", data(vec![1.0, 65536.0]), DType::F16).unwrap_err();
        let expected = "a holds a value that is finite in F32, but too large for F16";
        assert_eq!(error.to_string(), expected);
        assert!(cast("a", data(vec![1.0, f32::NAN]), DType::BF16).is_ok());
    }

    #[test]
    fn truth_values_of_any_width_become_bytes() {
        let words = [1u32, 0]
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect();
        let data = TensorData::try_from_bytes_vec(words, [2], DType::Bool(BoolStore::U32));
        let data = cast("a", data.unwrap(), DType::Bool(BoolStore::Native)).unwrap();
        assert_eq!(data.as_bytes(), [1, 0]);
    }
}
