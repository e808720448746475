//! A tensor's values, flattened when they are asked for.

use burn::tensor::{DType, Device, FloatDType, Tensor};

use crate::kernels;

/// The values of a float tensor without autodiff.
///
/// Matrices are often transposed views: they are kept as they are, so that row-major copies are made
/// for one weight at a time and memory is used again, not for the whole model at once.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    /// In row-major order, shape `[n]`.
    Flat(Tensor<1>),
    /// As it lies in memory.
    Matrix(Tensor<2>),
}

impl Values {
    /// The values of a tensor, which should be float.
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let tensor = tensor.without_autodiff();
        match D {
            2 => Self::Matrix(Tensor::from_dispatch(tensor.into_dispatch())),
            _ => {
                let count = tensor.shape().num_elements();
                Self::Flat(tensor.reshape([count]))
            }
        }
    }

    /// In row-major order, shape `[n]`.
    pub fn flat(&self) -> Tensor<1> {
        match self {
            Self::Flat(values) => values.clone(),
            Self::Matrix(matrix) => kernels::at(&matrix.device()).flatten(matrix.clone()),
        }
    }

    /// In row-major order and float32, shape `[n]`.
    pub fn floats(&self) -> Tensor<1> {
        let values = self.flat();
        match values.dtype() {
            DType::F32 => values,
            _ => values.cast(FloatDType::F32),
        }
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        match self {
            Self::Flat(values) => values.device(),
            Self::Matrix(matrix) => matrix.device(),
        }
    }
}
