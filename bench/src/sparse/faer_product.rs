//! The dense product by the `faer` crate.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// `output = input weight`, with `rows` of `inputs` values times `inputs` rows of `outputs`.
///
/// On all threads of the pool it is called in if there are several.
pub fn multiply(input: &[f32], weight: &[f32], output: &mut [f32], shape: [usize; 3]) {
    let [rows, inputs, outputs] = shape;
    let parallelism = match rayon::current_num_threads() {
        1 => Par::Seq,
        threads => Par::rayon(threads),
    };
    matmul(
        MatMut::from_row_major_slice_mut(output, rows, outputs),
        Accum::Replace,
        MatRef::from_row_major_slice(input, rows, inputs),
        MatRef::from_row_major_slice(weight, inputs, outputs),
        1.0,
        parallelism,
    );
}
