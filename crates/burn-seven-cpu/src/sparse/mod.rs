//! A sparse weight times dense activations.
//!
//! The weight is [packed](Packed) once: for each output the inputs it reads and their weights, by
//! blocks of outputs and, inside a block, by chunks of inputs whose activations stay in the nearest
//! cache. [`multiply`] turns the activations into panels that are a few vectors wide, so that a
//! non-zero costs one broadcast and a fused multiply-add for each vector; outputs of a chunk that
//! have equally many non-zeros are taken four at a time, so that loops run as long as the processor
//! expects them to. Turning panels back, the bias and the activation function are part of the same
//! pass.
//!
//! The instructions are chosen at run time ([`Level`]).

mod activation;
mod block;
mod kernel;
mod level;
mod line;
mod multiply;
mod packed;
mod panel;
mod shared;
mod split;
mod turn;

pub use level::Level;
pub use multiply::{multiply, multiply_with};
pub use packed::Packed;

use block::{Block, Entry, QUAD};
