//! What the tests of sparse files share: models, and files of them.
#![allow(dead_code, missing_docs, clippy::unwrap_used)] // each test file uses some of it

use std::collections::HashMap;

use burn::module::{Module, Param, ParamId};
use burn::nn::attention::{MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{
    Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig, ConvTranspose1d,
    ConvTranspose1dConfig, ConvTranspose2d, ConvTranspose2dConfig, ConvTranspose3d,
    ConvTranspose3dConfig, DeformConv2d, DeformConv2dConfig,
};
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig};
use burn::nn::{
    Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, LinearLayout,
};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_seven::sparse::{LoadConfig, SaveConfig, SparseError};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

#[path = "../../../fuzz/src/lib.rs"]
pub mod fuzz;

#[derive(Module, Debug)]
pub struct Layer {
    pub fc: Linear,
}

impl Layer {
    pub fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        let config = LinearConfig::new(inputs, outputs).with_bias(false);
        Self {
            fc: config.init(device),
        }
    }

    /// With these values in Burn's orientation, row-major.
    pub fn with(mut self, values: Vec<f32>) -> Self {
        self.fc.weight = self.fc.weight.map(|old| {
            let data = TensorData::new(values, old.shape());
            Tensor::from_data(data, &old.device())
        });
        self
    }
}

/// A module like `model` with the values of a file of it.
pub fn read<M: Module>(model: &M, bytes: Vec<u8>) -> Result<M, SparseError> {
    Ok(LoadConfig::new().load_bytes(model, bytes)?.0)
}

/// The layout's worked example: 3 outputs of 10 inputs.
pub fn example(device: &Device) -> Layer {
    let mut values = vec![0.0; 30];
    let entries = [
        (0, 0, 1.0),
        (0, 3, -2.0),
        (0, 9, 0.5),
        (2, 1, 4.0),
        (2, 7, -0.25),
        (2, 8, 8.0),
    ];
    for (output, input, value) in entries {
        values[input * 3 + output] = value;
    }
    Layer::new(10, 3, device).with(values)
}

pub fn tensors(bytes: &[u8]) -> HashMap<String, (Dtype, Vec<usize>, Vec<u8>)> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let entry = |(name, view): (String, TensorView<'_>)| {
        (
            name,
            (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
        )
    };
    file.tensors().into_iter().map(entry).collect()
}

/// Every parameter's values, in order.
pub fn values<M: Module>(model: &M) -> Vec<TensorData> {
    struct Values(Vec<TensorData>);
    impl burn::module::ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().into_data());
        }
        fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
            self.0.push(param.val().into_data());
        }
    }
    let mut values = Values(Vec::new());
    model.visit(&mut values);
    values.0
}

#[derive(Module, Debug)]
pub enum Choice {
    Wide(Linear),
    #[allow(dead_code)]
    Narrow(Linear),
}

/// Convolutions of all kinds.
#[derive(Module, Debug)]
pub struct Convolutions {
    pub one: Conv1d,
    pub two: Conv2d,
    pub three: Conv3d,
    pub depthwise: Conv2d,
    pub deformable: DeformConv2d,
    pub up_one: ConvTranspose1d,
    pub up_two: ConvTranspose2d,
    pub up_three: ConvTranspose3d,
}

impl Convolutions {
    pub fn new(device: &Device) -> Self {
        let depthwise = Conv2dConfig::new([8, 8], [5, 5]).with_groups(8);
        Self {
            one: Conv1dConfig::new(6, 8, 5).init(device),
            two: Conv2dConfig::new([4, 6], [3, 3]).init(device),
            three: Conv3dConfig::new([2, 4], [3, 3, 3]).init(device),
            depthwise: depthwise.init(device),
            deformable: DeformConv2dConfig::new([4, 6], [3, 3]).init(device),
            up_one: ConvTranspose1dConfig::new([6, 8], 5).init(device),
            up_two: ConvTranspose2dConfig::new([4, 6], [3, 3]).init(device),
            up_three: ConvTranspose3dConfig::new([2, 4], [2, 2, 2]).init(device),
        }
    }
}

/// Modules of all kinds that the formats treat differently.
#[derive(Module, Debug)]
pub struct Zoo {
    pub embedding: Embedding,
    pub encoder: TransformerEncoder,
    pub attention: MultiHeadAttention,
    pub norm: LayerNorm,
    pub layers: Vec<Linear>,
    pub column: Linear,
    pub choice: Choice,
    pub convolutions: Convolutions,
    pub steps: Param<Tensor<1, Int>>,
}

impl Zoo {
    pub fn new(device: &Device) -> Self {
        let column = LinearConfig::new(20, 12).with_layout(LinearLayout::Col);
        Self {
            embedding: EmbeddingConfig::new(11, 20).init(device),
            encoder: TransformerEncoderConfig::new(20, 28, 2, 2).init(device),
            attention: MultiHeadAttentionConfig::new(20, 4).init(device),
            norm: LayerNormConfig::new(20).init(device),
            layers: vec![
                LinearConfig::new(20, 9).init(device),
                LinearConfig::new(9, 30).with_bias(false).init(device),
            ],
            column: column.init(device),
            choice: Choice::Wide(LinearConfig::new(20, 10).init(device)),
            convolutions: Convolutions::new(device),
            steps: Param::initialized(ParamId::new(), Tensor::from_data([1, -2, 3], device)),
        }
    }
}

/// Sets the smallest share of each matrix and convolution to 0.
pub fn prune<M: Module>(model: M, share: f64) -> M {
    struct Smallest(f64);
    impl burn::module::ModuleMapper for Smallest {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if D < 2 {
                return param;
            }
            param.map(|old| {
                let data = old.to_data();
                let mut values = data.try_to_vec_as::<f32>().unwrap();
                let mut order: Vec<usize> = (0..values.len()).collect();
                order.sort_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
                order.truncate((order.len() as f64 * self.0) as usize);
                order.into_iter().for_each(|at| values[at] = 0.0);
                Tensor::from_data(TensorData::new(values, data.shape().clone()), &old.device())
            })
        }
    }
    model.map(&mut Smallest(share))
}

/// The small model of the fuzz targets on the plain device, and its file.
pub fn small() -> (fuzz::Small, Vec<u8>) {
    let model = fuzz::Small::new(&burn_seven_tests::device());
    let (bytes, _) = SaveConfig::new().to_bytes(&model).unwrap();
    (model, bytes)
}

/// A safetensors file of this header and these bytes.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}
