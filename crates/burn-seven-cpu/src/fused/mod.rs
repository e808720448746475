//! Kernels of inference that do in one pass what a framework does in several: activation functions,
//! normalization, softmax, attention.
//!
//! All read and write float32 slices, and work on all cores of rayon's pool where that pays; results
//! are the same bits on any number of threads. The instructions are chosen at run time
//! ([`Level`](crate::sparse::Level)); results with others differ in the last bits.

mod activate;
mod attention;
mod elementwise;
mod exp;
mod function;
mod norm;
mod operand;
mod pool;
mod simd;
mod softmax;
mod split;

pub(crate) use activate::activate_here;
pub use activate::{activate, activate_into};
pub use attention::{Attention, Heads, Mask, OutStrides, Strides, attention};
pub use elementwise::{add, mul};
pub use norm::{Norm, add_layer_norm, layer_norm, rms_norm};
pub use pool::{Fold, Planes, Window, pool};
pub use softmax::{softmax, softmax_in_place};
