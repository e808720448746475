//! ndarray's tensors as slices.

use burn::backend::{DispatchDevice, NdArray, ndarray::NdArrayTensor, ndarray::SharedArray};
use burn::tensor::{Bool, Device, Tensor};
use burn_seven_cpu::{Buffer, Host};

/// Tensors of the ndarray backend.
#[derive(Debug)]
pub struct NdArrayHost;

/// A contiguous tensor of ndarray.
#[derive(Debug)]
pub struct Array<T>(SharedArray<T>);

impl<T: Clone> Array<T> {
    fn of(array: SharedArray<T>) -> Self {
        match array.is_standard_layout() {
            true => Self(array),
            false => Self(array.as_standard_layout().into_owned().into_shared()),
        }
    }
}

impl<T: Clone> Buffer<T> for Array<T> {
    fn slice(&self) -> &[T] {
        let slice = self.0.as_slice();
        slice.expect("an array in standard layout should be a slice")
    }

    fn slice_mut(&mut self) -> &mut [T] {
        let slice = self.0.as_slice_mut();
        slice.expect("an array in standard layout should be a slice")
    }
}

impl Host for NdArrayHost {
    const NAME: &'static str = "ndarray";
    type Flag = bool;
    type Floats = Array<f32>;
    type Flags = Array<bool>;

    fn holds(device: &Device) -> bool {
        matches!(device.as_dispatch(), DispatchDevice::NdArray(_))
    }

    fn floats(tensor: Tensor<1>) -> Option<Array<f32>> {
        match tensor.try_into_primitive::<NdArray>().ok()? {
            NdArrayTensor::F32(storage) => Some(Array::of(storage.into_shared())),
            _ => None,
        }
    }

    fn from_floats(floats: Array<f32>) -> Tensor<1> {
        Tensor::from_primitive::<NdArray>(floats.0.into())
    }

    fn flags(tensor: Tensor<1, Bool>) -> Option<Array<bool>> {
        match tensor.try_into_primitive::<NdArray>().ok()? {
            NdArrayTensor::Bool(storage) => Some(Array::of(storage.into_shared())),
            _ => None,
        }
    }

    fn from_flags(flags: Array<bool>) -> Tensor<1, Bool> {
        Tensor::from_primitive::<NdArray>(flags.0.into())
    }
}
