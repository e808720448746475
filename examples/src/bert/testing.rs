//! The reference's numbers, and its tiny model written as a pretrained one comes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde::Deserialize;
use serde_json::Value;

use super::{Bert, BertBatch, BertConfig, BertError, load};

/// What `examples/reference/bert.py` wrote.
#[derive(Deserialize)]
pub struct Reference {
    pub tiny: Tiny,
    pub minilm: MiniLm,
}

/// A model that nobody has to download.
#[derive(Deserialize)]
pub struct Tiny {
    config: Value,
    tensors: Vec<Shape>,
    #[serde(flatten)]
    pub input: Input,
    pub hidden: Vec<Vec<Vec<f32>>>,
    pub pooled: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Shape {
    name: String,
    shape: Vec<usize>,
}

/// A slice of what the pretrained model gives.
#[derive(Deserialize)]
pub struct MiniLm {
    #[serde(flatten)]
    pub input: Input,
    pub first_8_of_each_token: Vec<Vec<Vec<f32>>>,
    pub norm_of_each_token: Vec<Vec<f32>>,
    pub first_8_of_pooled: Vec<Vec<f32>>,
    pub norm_of_pooled: Vec<f32>,
}

/// A batch, row by row.
#[derive(Deserialize)]
pub struct Input {
    ids: Vec<Vec<i64>>,
    types: Vec<Vec<i64>>,
    mask: Vec<Vec<i64>>,
}

impl Input {
    pub fn batch(&self, device: &Device) -> BertBatch {
        let tensor = |rows: &[Vec<i64>]| -> Tensor<2, Int> {
            let data = TensorData::new(rows.concat(), [rows.len(), rows[0].len()]);
            Tensor::from_data(data, device)
        };
        BertBatch {
            ids: tensor(&self.ids),
            types: tensor(&self.types),
            mask: tensor(&self.mask).bool(),
        }
    }
}

pub fn reference() -> Reference {
    serde_json::from_str(include_str!("../../data/bert_reference.json")).unwrap()
}

pub fn tiny_config() -> BertConfig {
    serde_json::from_value(reference().tiny.config).unwrap()
}

/// Config and weights as they are in a folder.
pub struct Files {
    pub config: Value,
    pub tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Files {
    /// Those of the tiny model, by the script's formula.
    pub fn tiny() -> Self {
        let Tiny {
            config, tensors, ..
        } = reference().tiny;
        let tensors = tensors.into_iter().enumerate().map(|(number, tensor)| {
            let Shape { name, shape } = tensor;
            let added = if name.ends_with("LayerNorm.weight") {
                1.0
            } else {
                0.0
            };
            let value = |index: usize| {
                let (i, n) = (index as f64, number as f64);
                (0.4 * (0.7 * i + 0.01 * i * i + 1.3 * n).sin() + added) as f32
            };
            let values = (0..shape.iter().product()).map(value).collect();
            (name, (shape, values))
        });
        Self {
            config,
            tensors: tensors.collect(),
        }
    }

    /// The same files with every tensor called otherwise.
    pub fn renamed(self, name: impl Fn(String) -> String) -> Self {
        let tensors = self.tensors.into_iter();
        Self {
            tensors: tensors.map(|(old, tensor)| (name(old), tensor)).collect(),
            ..self
        }
    }

    pub fn write(&self, dir: &Path) {
        fs::write(dir.join("config.json"), self.config.to_string()).unwrap();
        let bytes: Vec<(&String, &[usize], Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, (shape, values))| {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes());
                (name, shape.as_slice(), bytes.collect())
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
            (name.as_str(), view)
        });
        serialize_to_file(views, None, &dir.join("model.safetensors")).unwrap();
    }

    /// The model that these files give.
    pub fn load(&self, device: &Device) -> Result<Bert, BertError> {
        let dir = tempfile::tempdir().unwrap();
        self.write(dir.path());
        load(dir.path(), device)
    }
}

/// The largest difference between a tensor's values and what is expected of them.
pub fn difference<const D: usize>(found: Tensor<D>, expected: &[f32]) -> f32 {
    let found = found.try_into_vec_as::<f32>().unwrap();
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |most, value| {
        assert!(!value.is_nan());
        f32::max(most, value)
    })
}
