//! A sparse weight times dense activations.
//!
//! The weight is [packed](Packed) once: cut into blocks of outputs and chunks of inputs, and in each
//! piece for each output the inputs it reads and their weights. [`multiply`] transposes the
//! activations into panels that are a few vectors wide, of which a chunk stays in the nearest cache,
//! so that a non-zero costs one load of weights for four and a fused multiply-add for each vector; outputs of
//! a piece that have equally many non-zeros are taken four at a time, so that loops run as long as
//! the processor expects them to. Four that read the same inputs, as in a block, load each of them
//! once for all. Transposing panels back, the bias and the activation function are part
//! of the same pass.
//!
//! With few rows there is nothing to make panels of: each non-zero looks its activation up, many at
//! a time where the instructions allow it.
//!
//! [`convolve`] multiplies in the same way, but needs to transpose nothing.
//!
//! The instructions are chosen at run time ([`Level`]).

mod activation;
mod bf16;
mod conv;
#[cfg(target_arch = "x86_64")]
mod few;
mod kernel;
mod level;
mod line;
mod multiply;
#[cfg(target_arch = "x86_64")]
mod one_row;
mod packed;
mod panel;
mod pieces;
mod run;
mod shared;
mod split;
#[cfg(test)]
mod tests;
mod tile;

pub use conv::{Convolution, Images, PackedConvolution, convolve, convolve_with};
pub use level::Level;
pub use multiply::{multiply, multiply_with};
pub use packed::Packed;
