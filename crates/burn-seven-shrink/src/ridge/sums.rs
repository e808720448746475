//! What calibration inputs say of the activations of a group of units.

use burn::module::Module;
use burn::tensor::Device;
use burn_ir::TensorId;
use burn_seven_compile::Tensors;
use burn_seven_compile::internals::{Value, capture};
use faer::Mat;

use super::readers::{Reader, readers};
use crate::flow::Flow;
use crate::values::Values;
use crate::{Group, ShrinkError};

/// Sums over samples: of products of two activations, of each, of each one's size.
pub(super) struct Sums {
    pub products: Mat<f64>,
    pub plain: Vec<f64>,
    pub sizes: Vec<f64>,
    pub samples: usize,
}

impl Sums {
    fn new() -> Self {
        Self {
            products: Mat::new(),
            plain: Vec::new(),
            sizes: Vec::new(),
            samples: 0,
        }
    }

    /// The mean of a place's activations.
    pub fn mean(&self, place: usize) -> f64 {
        self.plain[place] / self.samples.max(1) as f64
    }

    /// The mean product of two places' activations, about their means or about 0.
    pub fn second(&self, a: usize, b: usize, centred: bool) -> f64 {
        let product = self.products[(a, b)] / self.samples.max(1) as f64;
        match centred {
            true => product - self.mean(a) * self.mean(b),
            false => product,
        }
    }

    /// Adds activations whose units are along an axis.
    fn add(&mut self, value: &Value, axis: usize) {
        let shape = value.shape().to_vec();
        let data = value.clone().0.into_data();
        let floats: Vec<f32> = data.iter::<f32>().collect();
        let (width, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let rows = floats.len() / width.max(1);
        let at = |row: usize, place: usize| {
            let (outer, rest) = (row / inner, row % inner);
            f64::from(floats[(outer * width + place) * inner + rest])
        };
        let matrix = Mat::from_fn(rows, width, at);
        if self.plain.is_empty() {
            self.products = Mat::zeros(width, width);
            self.plain = vec![0.0; width];
            self.sizes = vec![0.0; width];
        }
        self.products += matrix.transpose() * &matrix;
        for place in 0..width {
            for entry in matrix.col(place).iter() {
                self.plain[place] += entry;
                self.sizes[place] += entry.abs();
            }
        }
        self.samples += rows;
    }
}

pub(super) fn sums<M: Module, I: Tensors, O: Tensors>(
    readers: &[Reader],
    group: &Group,
    model: &M,
    calibration: &[I],
    forward: &impl Fn(&M, I) -> O,
) -> Result<Vec<Sums>, ShrinkError> {
    let device = Device::flex();
    let mut all: Vec<Sums> = readers.iter().map(|_| Sums::new()).collect();
    for batch in calibration {
        let batch = batch.on(&device);
        // Each batch may have another shape; the order of operations is the same.
        let (captured, _) = capture(model, &batch, forward)?;
        let values = Values::of(model, false)?;
        let here = self::readers(group, &Flow::new(&captured, &values.tied()), &captured);
        let wanted: Vec<TensorId> = here.iter().map(|reader| reader.input).collect();
        crate::observe::observe(captured, batch, &wanted, |id, value| {
            for (reader, sums) in here
                .iter()
                .zip(&mut all)
                .filter(|(reader, _)| reader.input == id)
            {
                sums.add(&value, reader.axis);
            }
        })?;
    }
    Ok(all)
}
