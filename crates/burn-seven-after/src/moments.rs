//! What is known of a layer's inputs: `H = XᵀX`.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

/// How many columns of `H` one task adds to, and rows of `X` are taken at once. Both are fixed, so that
/// sums are the same bits on any number of threads.
const COLUMNS: usize = 128;
const ROWS: usize = 1024;

/// The sum of products of a layer's inputs, in float64.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub products: Mat<f64>,
    pub samples: usize,
}

impl Moments {
    pub fn new(inputs: usize) -> Self {
        Self {
            products: Mat::zeros(inputs, inputs),
            samples: 0,
        }
    }

    /// Adds rows of inputs, one after the other in `rows`.
    pub fn add(&mut self, rows: &[f32]) {
        let width = self.products.nrows();
        if width == 0 {
            return;
        }
        for chunk in rows.chunks(ROWS * width) {
            let count = chunk.len() / width;
            let x = Mat::from_fn(count, width, |row, column| {
                f64::from(chunk[row * width + column])
            });
            let x = x.as_ref();
            let parts = self.products.as_mut().par_col_chunks_mut(COLUMNS);
            parts.enumerate().for_each(|(part, columns)| {
                let own = x.subcols(part * COLUMNS, columns.ncols());
                matmul(columns, Accum::Add, x.transpose(), own, 1.0, Par::Seq);
            });
            self.samples += count;
        }
    }

    /// Whether all sums are finite.
    pub fn is_finite(&self) -> bool {
        let columns = 0..self.products.ncols();
        columns.into_iter().all(|column| {
            let mut column = self.products.col(column).iter();
            column.all(|entry| entry.is_finite())
        })
    }

    /// The mean of the diagonal.
    pub fn scale(&self) -> f64 {
        let width = self.products.nrows();
        let diagonal = (0..width).map(|input| self.products[(input, input)]);
        diagonal.sum::<f64>() / width.max(1) as f64
    }

    /// The sum of `dᵀ H d` over these columns, one a task.
    pub fn square(&self, columns: &[Vec<f64>]) -> f64 {
        let one = |column: &Vec<f64>| {
            let mut sum = 0.0;
            for (input, &entry) in column
                .iter()
                .enumerate()
                .filter(|(_, entry)| **entry != 0.0)
            {
                let products = self.products.col(input);
                let products = products.iter().zip(column);
                sum += entry
                    * products
                        .map(|(product, other)| product * other)
                        .sum::<f64>();
            }
            sum
        };
        let all: Vec<f64> = columns.par_iter().map(one).collect();
        all.iter().sum::<f64>().max(0.0)
    }
}
