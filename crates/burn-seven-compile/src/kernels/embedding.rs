//! Rows of a constant table.

use burn::backend::Flex;
use burn::tensor::{DType, Shape};
use burn_backend::ops::IntTensorOps;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// The rows of a table, shape `[count, width]`, that integers name.
#[derive(Debug, Clone)]
pub(crate) struct Embedding {
    pub table: Value,
}

impl Kernel for Embedding {
    fn name(&self) -> String {
        "embedding".to_string()
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value> {
        let ([_, width], [shape]) = (self.table.shape().dims::<2>(), shapes) else {
            return Vec::new();
        };
        let mut output = pool.room(shape.num_elements());
        output.clear();
        let table = self.table.floats();
        for indices in inputs {
            let indices = match indices.dtype() {
                DType::I64 => indices.0,
                _ => Flex::int_cast(indices.0, burn::tensor::IntDType::I64),
            };
            let indices = Value(indices).contiguous();
            debug_assert_eq!(indices.0.dtype(), DType::I64);
            let (start, end) = indices.layout().contiguous_offsets().unwrap_or((0, 0));
            let rows: &[i64] = &indices.0.storage::<i64>()[start..end];
            for &row in rows {
                let count = table.len() / width.max(1);
                let row = usize::try_from(row).ok().filter(|row| *row < count);
                let Some(row) = row else {
                    panic!("an index is not one of the table's {count} rows");
                };
                output.extend_from_slice(&table[row * width..][..width]);
            }
        }
        vec![Value::from_floats(output, shape.clone())]
    }
}
