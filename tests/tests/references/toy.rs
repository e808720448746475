//! The model that the records train.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::Value;

use super::record::{LAYERS, floats, mask, matrix};

/// A perceptron of 6-8-3.
#[derive(Module, Debug)]
pub struct Toy {
    pub first: Linear,
    pub second: Linear,
}

/// Inputs and targets.
#[derive(Clone, Debug)]
pub struct Batch {
    x: Tensor<2>,
    y: Tensor<2>,
}

impl Toy {
    /// As its record starts; with zeros by `masks`, if there are some.
    pub fn new(record: &Value, masks: Option<&Value>, device: &Device) -> Self {
        let linear = |layer: &str, inputs, outputs| {
            let own = &record["initial"][layer];
            let mut linear = LinearConfig::new(inputs, outputs).init(device);
            let mut weight = matrix(&own["weight"], device);
            if let Some(masks) = masks {
                let kept = mask(&masks[layer]);
                let pruned: Vec<bool> = kept.into_iter().map(|kept| !kept).collect();
                let pruned = TensorData::new(pruned, [inputs, outputs]);
                weight = weight.mask_fill(Tensor::from_data(pruned, device), 0.0);
            }
            let bias = TensorData::new(floats(&own["bias"]), [outputs]);
            let bias = Tensor::<1>::from_data(bias, device);
            linear.weight = Param::from_tensor(weight);
            linear.bias = Some(Param::from_tensor(bias));
            linear
        };
        Self {
            first: linear(LAYERS[0], 6, 8),
            second: linear(LAYERS[1], 8, 3),
        }
    }

    pub fn loss(&self, batch: &Batch, activation: impl Fn(Tensor<2>) -> Tensor<2>) -> Tensor<1> {
        let hidden = activation(self.first.forward(batch.x.clone()));
        (self.second.forward(hidden) - batch.y.clone())
            .square()
            .mean()
    }

    /// The gradients of a step, with ReLU.
    pub fn gradients(&self, batches: &[Batch], step: &Value) -> GradientsParams {
        let batch = &batches[step["batch"].as_u64().unwrap() as usize];
        let loss = self.loss(batch, burn::tensor::activation::relu);
        GradientsParams::from_grads(loss.backward(), self)
    }

    fn layers(&self) -> [&Linear; 2] {
        [&self.first, &self.second]
    }

    /// The weights as the model uses them.
    pub fn effective(&self) -> [Vec<f32>; 2] {
        self.layers()
            .map(|layer| layer.weight.val().try_into_vec_as::<f32>().unwrap())
    }

    /// The weights as they are stored.
    pub fn stored(&self) -> [Vec<f32>; 2] {
        self.layers()
            .map(|layer| layer.weight.base().try_into_vec_as::<f32>().unwrap())
    }

    pub fn biases(&self) -> [Vec<f32>; 2] {
        self.layers().map(|layer| {
            let bias = layer.bias.as_ref().unwrap();
            bias.val().try_into_vec_as::<f32>().unwrap()
        })
    }
}

pub fn batches(record: &Value, device: &Device) -> Vec<Batch> {
    let batches = record["batches"].as_array().unwrap().iter();
    let batch = |batch: &Value| Batch {
        x: matrix(&batch["x"], device),
        y: matrix(&batch["y"], device),
    };
    batches.map(batch).collect()
}

/// Plain gradient descent.
pub fn sgd() -> ModuleOptimizer {
    SgdConfig::new().init()
}
