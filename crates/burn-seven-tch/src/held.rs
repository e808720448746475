//! Burn's tensors as libtorch's, and who holds their memory.

use burn::backend::{LibTorch, libtorch::TchTensor};
use burn::tensor::{Bool, Tensor};
use tch::{Kind, TchError};

/// A libtorch tensor with Burn's count of who holds its memory.
///
/// While one is alive, no one else takes its memory for theirs alone.
#[derive(Debug)]
pub struct Held(TchTensor);

impl Held {
    /// A float32 tensor of libtorch.
    pub fn floats(tensor: Tensor<1>) -> Result<Self, TchError> {
        let primitive = tensor.try_into_primitive::<LibTorch>();
        Self::of(primitive.map_err(other)?, Kind::Float)
    }

    /// A boolean tensor of libtorch.
    pub fn flags(tensor: Tensor<1, Bool>) -> Result<Self, TchError> {
        let primitive = tensor.try_into_primitive::<LibTorch>();
        Self::of(primitive.map_err(other)?, Kind::Bool)
    }

    fn of(tensor: TchTensor, kind: Kind) -> Result<Self, TchError> {
        let found = tensor.tensor.f_kind()?;
        match found == kind {
            true => Ok(Self(tensor)),
            false => Err(TchError::Kind(format!("{found:?} instead of {kind:?}"))),
        }
    }

    /// To read; it may be a view with any stride.
    pub fn get(&self) -> &tch::Tensor {
        &self.0.tensor
    }

    /// To write, contiguous: the tensor's own memory if no one else holds it, else a copy that takes
    /// its place.
    pub fn get_mut(&mut self) -> Result<&mut tch::Tensor, TchError> {
        if !self.0.can_mut() || !self.0.tensor.is_contiguous() {
            let from = &self.0.tensor;
            let mut copy = tch::Tensor::f_empty(from.size(), (from.f_kind()?, from.device()))?;
            copy.f_copy_(from)?;
            self.0 = TchTensor::new(copy);
        }
        Ok(&mut self.0.tensor)
    }

    /// Back to Burn, as floats.
    pub fn into_floats(self) -> Tensor<1> {
        Tensor::from_primitive::<LibTorch>(self.0)
    }

    /// Back to Burn, as booleans.
    pub fn into_flags(self) -> Tensor<1, Bool> {
        Tensor::from_primitive::<LibTorch>(self.0)
    }
}

/// A tensor that is not libtorch's.
fn other(error: impl std::fmt::Debug) -> TchError {
    TchError::Convert(format!("{error:?}"))
}
