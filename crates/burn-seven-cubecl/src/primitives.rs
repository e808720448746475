//! The way from a backend's primitives to CubeCL's tensors and back, with and without fusion.

use burn::backend::{Backend, BackendTypes, StreamId, TensorMetadata};
use burn_cubecl::{CubeBackend, CubeDevice, tensor::CubeTensor};
use burn_fusion::client::GlobalFusionClient;
use burn_fusion::custom::{CustomOpIr, OperationIr, OperationOutput, TensorIr};
use burn_fusion::{Fusion, FusionBackend, FusionHandle, FusionRuntime, FusionTensor, NoOp};

/// A backend whose tensors are CubeCL's in the end.
pub trait Primitives: Backend {
    /// The tensor of a float primitive, computed if it is not yet.
    fn floats(primitive: Self::FloatTensorPrimitive) -> CubeTensor;
    /// The float primitive of a tensor.
    fn from_floats(tensor: CubeTensor) -> Self::FloatTensorPrimitive;
    /// The tensor of a boolean primitive, computed if it is not yet.
    fn flags(primitive: Self::BoolTensorPrimitive) -> CubeTensor;
    /// The boolean primitive of a tensor.
    fn from_flags(tensor: CubeTensor) -> Self::BoolTensorPrimitive;
}

impl Primitives for CubeBackend {
    fn floats(primitive: CubeTensor) -> CubeTensor {
        primitive
    }

    fn from_floats(tensor: CubeTensor) -> CubeTensor {
        tensor
    }

    fn flags(primitive: CubeTensor) -> CubeTensor {
        primitive
    }

    fn from_flags(tensor: CubeTensor) -> CubeTensor {
        tensor
    }
}

// Not for `Fusion<CubeBackend>` by name: without fusion `CubeBackend` is no `FusionBackend`.
impl<B> Primitives for Fusion<B>
where
    B: FusionBackend<FusionRuntime: FusionRuntime<FusionDevice = CubeDevice>>
        + BackendTypes<FloatTensorPrimitive = CubeTensor, BoolTensorPrimitive = CubeTensor>,
{
    fn floats(primitive: FusionTensor<B::FusionRuntime>) -> CubeTensor {
        let client = primitive.client.clone();
        client.resolve_tensor_float::<B>(primitive)
    }

    fn from_floats(tensor: CubeTensor) -> FusionTensor<B::FusionRuntime> {
        fused::<B>(tensor, B::float_tensor_handle)
    }

    fn flags(primitive: FusionTensor<B::FusionRuntime>) -> CubeTensor {
        let client = primitive.client.clone();
        client.resolve_tensor_bool::<B>(primitive)
    }

    fn from_flags(tensor: CubeTensor) -> FusionTensor<B::FusionRuntime> {
        fused::<B>(tensor, B::bool_tensor_handle)
    }
}

/// A tensor that is computed already, as fusion sees it.
fn fused<B>(
    tensor: CubeTensor,
    handle: impl Fn(CubeTensor) -> FusionHandle<B::FusionRuntime>,
) -> FusionTensor<B::FusionRuntime>
where
    B: FusionBackend<FusionRuntime: FusionRuntime<FusionDevice = CubeDevice>>,
{
    let client = GlobalFusionClient::<B::FusionRuntime>::load(&tensor.device);
    let (shape, dtype) = (tensor.shape(), tensor.dtype);
    let id = client.register_tensor_handle(handle(tensor));
    // Nothing is left to do when its turn comes; it tells the queue that the tensor is there.
    let output = TensorIr::uninit(id, shape, dtype);
    let operation = CustomOpIr::new("burn_seven_computed", &[], &[output]);
    client
        .register(
            StreamId::current(),
            OperationIr::Custom(operation),
            NoOp::<B>::new(),
        )
        .output()
}
