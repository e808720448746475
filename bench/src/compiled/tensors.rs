//! Inputs from a file, and outputs to one.

use std::path::Path;

use burn::tensor::kind::Basic;
use burn::tensor::{BoolStore, DType, Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize_to_file};

use crate::Error;

/// The name of the one output.
const OUTPUT: &str = "output";

/// A file of inputs.
pub struct Inputs {
    bytes: Vec<u8>,
    device: Device,
}

impl Inputs {
    pub fn read(path: &Path, device: &Device) -> Result<Self, Error> {
        let bytes = std::fs::read(path);
        Ok(Self {
            bytes: bytes.map_err(|error| Error::Io(path.display().to_string(), error))?,
            device: device.clone(),
        })
    }

    /// The tensor of a name, in the device's own type of its kind.
    pub fn tensor<const D: usize, K: Basic>(&self, name: &str) -> Result<Tensor<D, K>, Error> {
        let file = SafeTensors::deserialize(&self.bytes)?;
        let tensor = file.tensor(name)?;
        let dtype = match tensor.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::I64 => DType::I64,
            Dtype::BOOL => DType::Bool(BoolStore::Native),
            other => return Err(Error::Input(name.to_string(), format!("is {other:?}"))),
        };
        if tensor.shape().len() != D {
            let found = format!("has shape {:?}, but should be of rank {D}", tensor.shape());
            return Err(Error::Input(name.to_string(), found));
        }
        let data = TensorData::from_bytes_vec(tensor.data().to_vec(), tensor.shape(), dtype);
        Ok(Tensor::from_data(data, &self.device))
    }
}

/// Writes an output of single precision.
pub fn write(path: &Path, output: &TensorData) -> Result<(), Error> {
    let view = TensorView::new(Dtype::F32, output.shape().to_vec(), output.as_bytes())?;
    Ok(serialize_to_file([(OUTPUT, view)], None, path)?)
}
