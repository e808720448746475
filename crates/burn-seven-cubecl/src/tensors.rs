//! Burn's tensors as CubeCL's.

use burn::backend::{DispatchKindConversion, DispatchTensor};
use burn::tensor::{Bool, BoolStore, DType, Tensor};
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};

use crate::Primitives;

/// More entries than this in one tensor are left to the portable path: indices are 32 bits.
const MOST: usize = 1 << 31;

/// A backend that Burn's tensors can be taken apart for.
///
/// What is asked holds no handle when it returns, so that asking does not keep a tensor from being
/// written in place.
pub trait Tensors: Primitives {
    /// Whether this is a float32 tensor that the kernels can read.
    fn has_floats(tensor: &Tensor<1>) -> bool;
    /// A float32 tensor, contiguous.
    fn take_floats(tensor: Tensor<1>) -> CubeTensor;
    /// The same as Burn's.
    fn give_floats(tensor: CubeTensor) -> Tensor<1>;
    /// Whether this is a boolean tensor that the kernels can read.
    fn has_flags(tensor: &Tensor<1, Bool>) -> bool;
    /// A boolean tensor, contiguous.
    fn take_flags(tensor: Tensor<1, Bool>) -> CubeTensor;
    /// The same as Burn's.
    fn give_flags(tensor: CubeTensor) -> Tensor<1, Bool>;
}

impl<B> Tensors for B
where
    B: Primitives,
    DispatchTensor: DispatchKindConversion<B>,
{
    fn has_floats(tensor: &Tensor<1>) -> bool {
        tensor.dtype() == DType::F32
            && tensor.shape().num_elements() < MOST
            && tensor.clone().try_into_primitive::<B>().is_ok()
    }

    fn take_floats(tensor: Tensor<1>) -> CubeTensor {
        let primitive = tensor.try_into_primitive::<B>();
        let primitive = primitive.expect("the tensor should be one that the kernels can read");
        into_contiguous(B::floats(primitive))
    }

    fn give_floats(tensor: CubeTensor) -> Tensor<1> {
        Tensor::from_primitive::<B>(B::from_floats(tensor))
    }

    fn has_flags(tensor: &Tensor<1, Bool>) -> bool {
        let stored = matches!(
            tensor.dtype(),
            DType::Bool(BoolStore::U8) | DType::Bool(BoolStore::U32)
        );
        stored
            && tensor.shape().num_elements() < MOST
            && tensor.clone().try_into_primitive::<B>().is_ok()
    }

    fn take_flags(tensor: Tensor<1, Bool>) -> CubeTensor {
        let primitive = tensor.try_into_primitive::<B>();
        let primitive = primitive.expect("the tensor should be one that the kernels can read");
        into_contiguous(B::flags(primitive))
    }

    fn give_flags(tensor: CubeTensor) -> Tensor<1, Bool> {
        Tensor::from_primitive::<B>(B::from_flags(tensor))
    }
}

/// Puts a copy in a tensor's place if someone else holds its buffer, so that it may be written to.
pub(crate) fn make_writable(tensor: &mut CubeTensor) {
    if !tensor.can_mut() {
        *tensor = tensor.copy();
    }
}

/// How many entries a tensor has.
pub(crate) fn length(tensor: &CubeTensor) -> usize {
    tensor.meta.num_elements()
}
