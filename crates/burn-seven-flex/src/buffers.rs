//! flex's tensors as slices.

use burn::backend::{DispatchDevice, Flex, flex::FlexTensor};
use burn::tensor::{Bool, BoolStore, DType, Device, Tensor};
use burn_seven_cpu::{Buffer, Host};

/// Tensors of the flex backend.
#[derive(Debug)]
pub struct FlexHost;

/// A contiguous tensor of flex that starts where its memory does and fills it.
#[derive(Debug)]
pub struct Memory(FlexTensor);

impl Memory {
    fn of(tensor: FlexTensor) -> Self {
        let size = tensor.layout().num_elements() * tensor.dtype().size();
        let whole = tensor.layout().start_offset() == 0 && tensor.bytes().len() == size;
        match whole && tensor.is_contiguous() {
            true => Self(tensor),
            // A view of a part is contiguous already, and would not be copied by that name.
            false => Self(FlexTensor::from_data(tensor.into_data())),
        }
    }
}

impl Buffer<f32> for Memory {
    fn slice(&self) -> &[f32] {
        self.0.storage()
    }

    fn slice_mut(&mut self) -> &mut [f32] {
        self.0.storage_mut()
    }
}

impl Buffer<u8> for Memory {
    fn slice(&self) -> &[u8] {
        self.0.storage()
    }

    fn slice_mut(&mut self) -> &mut [u8] {
        self.0.storage_mut()
    }
}

impl Host for FlexHost {
    const NAME: &'static str = "flex";
    type Flag = u8;
    type Floats = Memory;
    type Flags = Memory;

    fn holds(device: &Device) -> bool {
        matches!(device.as_dispatch(), DispatchDevice::Flex(_))
    }

    fn floats(tensor: Tensor<1>) -> Option<Memory> {
        let tensor = tensor.try_into_primitive::<Flex>().ok()?;
        (tensor.dtype() == DType::F32).then(|| Memory::of(tensor))
    }

    fn columns(matrix: Tensor<2>) -> Option<Memory> {
        let matrix = matrix.try_into_primitive::<Flex>().ok()?;
        if matrix.dtype() != DType::F32 || matrix.is_contiguous() {
            return None;
        }
        let columns = matrix.transpose(0, 1);
        columns.is_contiguous().then(|| Memory::of(columns))
    }

    fn from_floats(floats: Memory) -> Tensor<1> {
        Tensor::from_primitive::<Flex>(floats.0)
    }

    fn flags(tensor: Tensor<1, Bool>) -> Option<Memory> {
        let tensor = tensor.try_into_primitive::<Flex>().ok()?;
        let bytes = matches!(
            tensor.dtype(),
            DType::Bool(BoolStore::Native | BoolStore::U8)
        );
        bytes.then(|| Memory::of(tensor))
    }

    fn from_flags(flags: Memory) -> Tensor<1, Bool> {
        Tensor::from_primitive::<Flex>(flags.0)
    }
}
