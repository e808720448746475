//! ndarray's tensors as slices.

use burn::backend::{DispatchDevice, NdArray, ndarray::NdArrayTensor, ndarray::SharedArray};
use burn::tensor::{Bool, Device, Tensor};
use burn_seven_cpu::{Buffer, Host};

/// Tensors of the ndarray backend.
#[derive(Debug)]
pub struct NdArrayHost;

/// A contiguous float32 tensor of ndarray.
///
/// The tensor itself is kept, not its array: one that was made from bytes borrows them, and would
/// have to copy them to become an array.
#[derive(Debug)]
pub struct Floats(NdArrayTensor);

/// A contiguous boolean tensor of ndarray.
#[derive(Debug)]
pub struct Flags(NdArrayTensor);

/// What [`Buffer`] takes from the one variant of the tensor that is there.
macro_rules! buffer {
    ($name:ident, $variant:ident, $type:ty) => {
        impl $name {
            fn of(tensor: NdArrayTensor) -> Option<Self> {
                let NdArrayTensor::$variant(storage) = &tensor else {
                    return None;
                };
                if storage.view().is_standard_layout() {
                    return Some(Self(tensor));
                }
                let rows: SharedArray<$type> = storage
                    .view()
                    .as_standard_layout()
                    .into_owned()
                    .into_shared();
                Some(Self(rows.into()))
            }
        }

        impl Buffer<$type> for $name {
            fn slice(&self) -> &[$type] {
                let NdArrayTensor::$variant(storage) = &self.0 else {
                    unreachable!("the type was looked at when this was made")
                };
                let slice = storage.view().to_slice();
                slice.expect("an array in standard layout should be a slice")
            }

            fn slice_mut(&mut self) -> &mut [$type] {
                let NdArrayTensor::$variant(storage) = &mut self.0 else {
                    unreachable!("the type was looked at when this was made")
                };
                let slice = storage.ensure_owned().as_slice_mut();
                slice.expect("an array in standard layout should be a slice")
            }
        }
    };
}

buffer!(Floats, F32, f32);
buffer!(Flags, Bool, bool);

impl Host for NdArrayHost {
    const NAME: &'static str = "ndarray";
    type Flag = bool;
    type Floats = Floats;
    type Flags = Flags;

    fn holds(device: &Device) -> bool {
        matches!(device.as_dispatch(), DispatchDevice::NdArray(_))
    }

    fn floats(tensor: Tensor<1>) -> Option<Floats> {
        Floats::of(tensor.try_into_primitive::<NdArray>().ok()?)
    }

    fn columns(matrix: Tensor<2>) -> Option<Floats> {
        let NdArrayTensor::F32(storage) = matrix.try_into_primitive::<NdArray>().ok()? else {
            return None;
        };
        // Borrowed bytes lie row by row.
        if storage.view().is_standard_layout() || !storage.view().t().is_standard_layout() {
            return None;
        }
        Some(Floats(storage.into_shared().reversed_axes().into()))
    }

    fn from_floats(floats: Floats) -> Tensor<1> {
        Tensor::from_primitive::<NdArray>(floats.0)
    }

    fn flags(tensor: Tensor<1, Bool>) -> Option<Flags> {
        Flags::of(tensor.try_into_primitive::<NdArray>().ok()?)
    }

    fn from_flags(flags: Flags) -> Tensor<1, Bool> {
        Tensor::from_primitive::<NdArray>(flags.0)
    }
}
