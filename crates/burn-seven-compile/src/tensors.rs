//! The tensors that go into a compiled model and come out of it.

use burn::backend::{Flex, capture::CaptureBackend};
use burn::tensor::{Bool, Device, Float, Int, Tensor};
use burn_ir::TensorId;

use crate::CompileError;
use crate::value::Value;

/// What a compiled model takes and gives: a tensor of floats, integers or booleans, or tuples,
/// vectors and options of them.
///
/// It is implemented for these alone.
pub trait Tensors: sealed::Tensors {}

impl<T: sealed::Tensors> Tensors for T {}

pub(crate) mod sealed {
    use burn::tensor::Device;
    use burn_ir::TensorId;

    use crate::CompileError;
    use crate::value::Value;

    /// What is done with them.
    pub trait Tensors: Clone + Send + Sync + 'static {
        /// Tensors of the same shapes and types on a capture device, without values.
        fn ghosts(&self, device: &Device, ids: &mut Vec<TensorId>) -> Self;

        /// The numbers of tensors on a capture device.
        fn ids(&self, ids: &mut Vec<TensorId>) -> Result<(), CompileError>;

        /// Adds what the tensors by themselves do not tell: how many there are in each list, and
        /// which optional ones are there.
        fn structure(&self, structure: &mut Vec<usize>);

        /// The same tensors on another device, without autodiff.
        fn on(&self, device: &Device) -> Self;

        /// The tensors, which should be on flex.
        fn take(self, values: &mut Vec<Value>) -> Result<(), CompileError>;

        /// The same structure with other tensors.
        fn rebuild(&self, values: &mut std::vec::IntoIter<Value>) -> Option<Self>;
    }
}

macro_rules! tensor {
    ($kind:ty) => {
        impl<const D: usize> sealed::Tensors for Tensor<D, $kind> {
            fn ghosts(&self, device: &Device, ids: &mut Vec<TensorId>) -> Self {
                let ghost = Self::empty(self.shape(), (device, self.dtype()));
                // On a capture device there is nothing that could fail.
                let _ = ghost.ids(ids);
                ghost
            }

            fn ids(&self, ids: &mut Vec<TensorId>) -> Result<(), CompileError> {
                match self.clone().try_into_primitive::<CaptureBackend>() {
                    Ok(tensor) => {
                        ids.push(tensor.id());
                        Ok(())
                    }
                    Err(_) => Err(CompileError::Capture {
                        message: format!(
                            "output {} is on {:?} and does not depend on what is captured",
                            ids.len(),
                            self.device()
                        ),
                    }),
                }
            }

            fn structure(&self, _structure: &mut Vec<usize>) {}

            fn on(&self, device: &Device) -> Self {
                let tensor = match self.is_autodiff() {
                    true => self.clone().inner(),
                    false => self.clone(),
                };
                tensor.to_device(device)
            }

            fn take(self, values: &mut Vec<Value>) -> Result<(), CompileError> {
                let tensor = match self.is_autodiff() {
                    true => self.inner(),
                    false => self,
                };
                let device = tensor.device();
                match tensor.try_into_primitive::<Flex>() {
                    Ok(tensor) => {
                        values.push(Value(tensor));
                        Ok(())
                    }
                    Err(_) => Err(CompileError::Device {
                        name: format!("input {}", values.len()),
                        found: format!("{device:?}"),
                    }),
                }
            }

            fn rebuild(&self, values: &mut std::vec::IntoIter<Value>) -> Option<Self> {
                Some(Self::from_primitive::<Flex>(values.next()?.0))
            }
        }
    };
}

tensor!(Float);
tensor!(Int);
tensor!(Bool);

macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        #[allow(clippy::unused_unit)] // of the empty tuple
        impl<$($name: sealed::Tensors),*> sealed::Tensors for ($($name,)*) {
            fn ghosts(&self, _device: &Device, _ids: &mut Vec<TensorId>) -> Self {
                ($(self.$index.ghosts(_device, _ids),)*)
            }

            fn ids(&self, _ids: &mut Vec<TensorId>) -> Result<(), CompileError> {
                $(self.$index.ids(_ids)?;)*
                Ok(())
            }

            fn structure(&self, _structure: &mut Vec<usize>) {
                $(self.$index.structure(_structure);)*
            }

            fn on(&self, _device: &Device) -> Self {
                ($(self.$index.on(_device),)*)
            }

            fn take(self, _values: &mut Vec<Value>) -> Result<(), CompileError> {
                $(self.$index.take(_values)?;)*
                Ok(())
            }

            fn rebuild(&self, _values: &mut std::vec::IntoIter<Value>) -> Option<Self> {
                Some(($(self.$index.rebuild(_values)?,)*))
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

impl<T: sealed::Tensors> sealed::Tensors for Vec<T> {
    fn ghosts(&self, device: &Device, ids: &mut Vec<TensorId>) -> Self {
        self.iter().map(|one| one.ghosts(device, ids)).collect()
    }

    fn ids(&self, ids: &mut Vec<TensorId>) -> Result<(), CompileError> {
        self.iter().try_for_each(|one| one.ids(ids))
    }

    fn structure(&self, structure: &mut Vec<usize>) {
        structure.push(self.len());
        self.iter().for_each(|one| one.structure(structure));
    }

    fn on(&self, device: &Device) -> Self {
        self.iter().map(|one| one.on(device)).collect()
    }

    fn take(self, values: &mut Vec<Value>) -> Result<(), CompileError> {
        self.into_iter().try_for_each(|one| one.take(values))
    }

    fn rebuild(&self, values: &mut std::vec::IntoIter<Value>) -> Option<Self> {
        self.iter().map(|one| one.rebuild(values)).collect()
    }
}

impl<T: sealed::Tensors> sealed::Tensors for Option<T> {
    fn ghosts(&self, device: &Device, ids: &mut Vec<TensorId>) -> Self {
        self.as_ref().map(|one| one.ghosts(device, ids))
    }

    fn ids(&self, ids: &mut Vec<TensorId>) -> Result<(), CompileError> {
        self.iter().try_for_each(|one| one.ids(ids))
    }

    fn structure(&self, structure: &mut Vec<usize>) {
        structure.push(usize::from(self.is_some()));
        self.iter().for_each(|one| one.structure(structure));
    }

    fn on(&self, device: &Device) -> Self {
        self.as_ref().map(|one| one.on(device))
    }

    fn take(self, values: &mut Vec<Value>) -> Result<(), CompileError> {
        self.into_iter().try_for_each(|one| one.take(values))
    }

    fn rebuild(&self, values: &mut std::vec::IntoIter<Value>) -> Option<Self> {
        match self {
            Some(one) => Some(Some(one.rebuild(values)?)),
            None => Some(None),
        }
    }
}
