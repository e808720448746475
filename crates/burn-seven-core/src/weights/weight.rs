//! What one weight tensor of a model is like.

use std::sync::Arc;

use burn::tensor::{DType, Device};

use crate::Error;

/// The description of one weight tensor: where it is and what it is like.
///
/// It is made once, when a model's weights are found; gradients, statistics, scores and masks all
/// point to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    path: String,
    shape: Vec<usize>,
    dtype: DType,
    device: Device,
    layer: Option<String>,
}

impl Weight {
    /// A weight at `path`, such as `encoder.layers.0.mha.query.weight`, in a layer of an unknown
    /// type.
    pub fn new(
        path: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        dtype: DType,
        device: &Device,
    ) -> Self {
        Self {
            path: path.into(),
            shape: shape.into(),
            dtype,
            device: device.clone(),
            layer: None,
        }
    }

    /// In a layer of this type, such as `Linear`.
    pub fn with_layer(mut self, layer: Option<String>) -> Self {
        self.layer = layer;
        self
    }

    pub(crate) fn on(&self, device: &Device) -> Self {
        Self {
            device: device.clone(),
            ..self.clone()
        }
    }

    /// Where it is in the module.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its data type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where its values are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The type of the layer that holds it, such as `Linear`, where it is known.
    pub fn layer(&self) -> Option<&str> {
        self.layer.as_deref()
    }

    /// How many entries it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The dimension of the layer's inputs, in Burn's layouts: 0 for a linear layer (`[inputs,
    /// outputs]`) and a transposed convolution (`[channels_in, channels_out, ..]`), 1 for a
    /// convolution (`[channels_out, channels_in, ..]`).
    pub fn input_dim(&self) -> usize {
        match self.is_transposed() || self.shape.len() <= 2 {
            true => 0,
            false => 1,
        }
    }

    /// The dimension of the layer's outputs; see [`input_dim`](Self::input_dim).
    pub fn output_dim(&self) -> usize {
        match self.shape.len() {
            0 | 1 => 0,
            _ => 1 - self.input_dim(),
        }
    }

    fn is_transposed(&self) -> bool {
        let layer = self.layer.as_deref();
        layer.is_some_and(|layer| layer.starts_with("ConvTranspose"))
    }

    /// Checks that `found` is this weight: of the same shape, type and device.
    pub(crate) fn check(&self, found: &Self) -> Result<(), Error> {
        let path = || self.path.clone();
        if found.shape != self.shape {
            return Err(Error::ShapeMismatch {
                what: "value",
                path: path(),
                expected: self.shape.clone(),
                found: found.shape.clone(),
            });
        }
        if found.dtype != self.dtype {
            return Err(Error::DTypeMismatch {
                path: path(),
                expected: format!("{:?}", self.dtype),
                found: format!("{:?}", found.dtype),
            });
        }
        if found.device != self.device {
            return Err(Error::DeviceMismatch {
                path: path(),
                expected: format!("{:?}", self.device),
                found: format!("{:?}", found.device),
            });
        }
        Ok(())
    }

    /// Checks that it can be pruned at all.
    pub(crate) fn check_float(&self) -> Result<(), Error> {
        match self.dtype.is_float() {
            true => Ok(()),
            false => Err(Error::Quantized {
                path: self.path.clone(),
                dtype: format!("{:?}", self.dtype),
            }),
        }
    }
}

/// Checks that `found` are the weights `expected`, in this order.
pub(crate) fn check_same(expected: &[Arc<Weight>], found: &[Arc<Weight>]) -> Result<(), Error> {
    let path_of = |weight: &Arc<Weight>| weight.path.clone();
    for weight in expected {
        if !found.iter().any(|other| other.path == weight.path) {
            return Err(Error::WeightMissing {
                path: path_of(weight),
            });
        }
    }
    for (index, found) in found.iter().enumerate() {
        match expected
            .get(index)
            .filter(|weight| weight.path == found.path)
        {
            None => {
                return Err(Error::WeightAdded {
                    path: path_of(found),
                });
            }
            Some(weight) => weight.check(found)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(shape: &[usize], layer: &str) -> Weight {
        let weight = Weight::new("w", shape, DType::F32, &Device::default());
        weight.with_layer(Some(layer.to_string()))
    }

    #[test]
    fn inputs_are_where_burns_layers_have_them() {
        let dims = |weight: Weight| (weight.input_dim(), weight.output_dim());
        assert_eq!(dims(weight(&[3, 4], "Linear")), (0, 1));
        assert_eq!(dims(weight(&[8, 3, 3, 3], "Conv2d")), (1, 0));
        assert_eq!(dims(weight(&[8, 3, 3, 3], "ConvTranspose2d")), (0, 1));
        assert_eq!(dims(weight(&[5], "Linear")), (0, 0));
    }
}
