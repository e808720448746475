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

/// How matrices lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// Row by row, as Burn keeps them.
    Row,
    /// Column by column: transposed views, not contiguous.
    Column,
}

/// Matrices with their gradients.
#[derive(Debug)]
pub struct Weights {
    matrices: Vec<[Tensor<2>; 2]>,
    count: usize,
}

impl Weights {
    /// `total` weights and gradients, normally distributed.
    pub fn random(total: usize, layout: Layout, device: &Device) -> Self {
        let matrix = |[rows, columns]: [usize; 2], scale: f64| {
            let normal = Distribution::Normal(0.0, scale);
            match layout {
                Layout::Row => Tensor::<2>::random([rows, columns], normal, device),
                Layout::Column => Tensor::<2>::random([columns, rows], normal, device).transpose(),
            }
        };
        let matrices = shapes(total)
            .into_iter()
            .map(|shape| [matrix(shape, 0.02), matrix(shape, 0.001)]);
        Self {
            matrices: matrices.collect(),
            count: total,
        }
    }

    /// How many weights there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What a scorer takes.
    ///
    /// # Errors
    ///
    /// What the library refuses.
    pub fn grads(&self) -> Result<WeightGrads, Error> {
        let entries = self.matrices.iter().enumerate().map(|(index, pair)| {
            let [weight, grad] = pair.clone();
            Ok(WeightGrad::new(
                format!("matrix.{index}"),
                weight,
                Some(grad),
            )?)
        });
        let entries = entries.collect::<Result<_, Error>>()?;
        Ok(WeightGrads::from_entries(entries))
    }
}
