//! A dense product without the inputs and outputs whose weights are all 0.

use burn::backend::Flex;
use burn::tensor::Shape;
use burn_backend::ops::FloatTensorOps;

use crate::pool::Pool;
use crate::value::Value;

/// A weight of shape `[inputs, outputs]` without its rows and columns of zeros.
#[derive(Debug, Clone)]
pub(crate) struct Compact {
    /// What is left of it.
    pub weight: Value,
    inputs: usize,
    outputs: usize,
    /// The rows that are left, in order.
    rows: Vec<usize>,
    /// The columns that are left, in order.
    columns: Vec<usize>,
}

/// Fewer rows or columns of zeros are not worth the copies.
const LEFT: f64 = 0.9;

impl Compact {
    /// None where too little would be left out.
    pub fn new(weight: &[f32], inputs: usize, outputs: usize) -> Option<Self> {
        let row = |row: usize| &weight[row * outputs..][..outputs];
        let rows: Vec<usize> = (0..inputs)
            .filter(|&index| row(index).iter().any(|value| *value != 0.0))
            .collect();
        let mut read = vec![false; outputs];
        for &index in &rows {
            for (read, value) in read.iter_mut().zip(row(index)) {
                *read |= *value != 0.0;
            }
        }
        let columns: Vec<usize> = (0..outputs).filter(|&index| read[index]).collect();
        let left = (rows.len() * columns.len()) as f64 / (inputs * outputs).max(1) as f64;
        if left > LEFT || rows.is_empty() || columns.is_empty() {
            return None;
        }
        let values = rows.iter().flat_map(|&index| {
            let row = row(index);
            columns.iter().map(move |&column| row[column])
        });
        let shape = Shape::new([rows.len(), columns.len()]);
        Some(Self {
            weight: Value::from_floats(values.collect(), shape),
            inputs,
            outputs,
            rows,
            columns,
        })
    }

    /// `input weight` for `count` rows of inputs; outputs that read nothing are 0.
    pub fn multiply(&self, input: &Value, count: usize, pool: &Pool) -> Vec<f32> {
        let values = input.floats();
        let read = match self.rows.len() == self.inputs {
            true => input.clone(),
            false => {
                let mut read = pool.take(count * self.rows.len());
                let rows = read.chunks_exact_mut(self.rows.len());
                for (read, row) in rows.zip(values.chunks_exact(self.inputs)) {
                    for (value, &from) in read.iter_mut().zip(&self.rows) {
                        *value = row[from];
                    }
                }
                Value::from_floats(read, Shape::new([count, self.rows.len()]))
            }
        };
        let flat = read.clone().reshaped(&Shape::new([count, self.rows.len()]));
        let product = Value(Flex::float_matmul(flat.0, self.weight.0.clone())).contiguous();
        pool.take_back(read);
        if self.columns.len() == self.outputs {
            return product.into_floats();
        }
        let mut output = pool.take(count * self.outputs);
        output.fill(0.0);
        let rows = output.chunks_exact_mut(self.outputs);
        for (row, product) in rows.zip(product.floats().chunks_exact(self.columns.len())) {
            for (value, &to) in product.iter().zip(&self.columns) {
                row[to] = *value;
            }
        }
        pool.take_back(product);
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows 0 and 2 and columns 1 and 2 are left.
    #[test]
    fn rows_and_columns_of_zeros_are_left_out() {
        let weight = [
            0.0, 1.0, 2.0, 0.0, //
            0.0, 0.0, 0.0, 0.0, //
            0.0, 3.0, 0.0, 0.0,
        ];
        let compact = Compact::new(&weight, 3, 4).expect("half of it");
        assert_eq!(compact.weight.floats(), [1.0, 2.0, 3.0, 0.0]);
        let input = vec![1.0, f32::INFINITY, 10.0, -1.0, 0.0, 1.0];
        let input = Value::from_floats(input, Shape::new([2, 3]));
        let output = compact.multiply(&input, 2, &Pool::default());
        assert_eq!(output, [0.0, 31.0, 2.0, 0.0, 0.0, 2.0, -2.0, 0.0]);
    }

    #[test]
    fn a_full_weight_and_an_empty_one_stay() {
        assert!(Compact::new(&[1.0; 12], 3, 4).is_none());
        assert!(Compact::new(&[0.0; 12], 3, 4).is_none());
    }
}
