//! Weights and gradients split into matrices as in BERT-base.

use burn::tensor::{Device, Distribution, Tensor};
use burn_seven::{WeightGrad, WeightGrads};

use crate::Error;

/// The matrices of one encoder layer: query, key, value, output, and the two of the feed-forward.
const LAYER: [[usize; 2]; 6] = [
    [768, 768],
    [768, 768],
    [768, 768],
    [768, 768],
    [768, 3072],
    [3072, 768],
];

/// Shapes of `total` weights: layers one after the other, the last matrix cut short.
fn shapes(total: usize) -> Vec<[usize; 2]> {
    let mut left = total;
    let mut shapes = Vec::new();
    for shape in LAYER.iter().cycle() {
        let count = shape[0] * shape[1];
        if left <= count {
            shapes.push([1, left]);
            return shapes;
        }
        shapes.push(*shape);
        left -= count;
    }
    shapes
}

/// `total` weights with their gradients, normally distributed.
pub fn random(total: usize, device: &Device) -> Result<WeightGrads, Error> {
    let entries = shapes(total).into_iter().enumerate().map(|(index, shape)| {
        let values = |scale| Tensor::<2>::random(shape, Distribution::Normal(0.0, scale), device);
        let entry = WeightGrad::new(format!("matrix.{index}"), values(0.02), Some(values(0.001)));
        Ok(entry?)
    });
    Ok(WeightGrads::from_entries(
        entries.collect::<Result<_, Error>>()?,
    ))
}
