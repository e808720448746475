//! The files: safetensors, in which a weight of many zeros is four tensors.
//!
//! A weight `X.weight` of `R` rows and `C` columns becomes, in the layout `sparse-bitmask`, the four
//! tensors of this table. A convolution's rows are its first dimension, its columns all others.
//!
//! | tensor | type | shape | content |
//! | --- | --- | --- | --- |
//! | `X.shape` | I64 | `[rank]` | the weight's shape: `R`, `C` for a matrix |
//! | `X.compressed` | F32, F16 or BF16 | `[nnz]` | the non-zeros, row by row |
//! | `X.bitmask` | U8 | `[R, ceil(C/8)]` | bit `b` of byte `j` of row `r` is 1 where entry `8j + b` is not 0 |
//! | `X.row_offsets` | I64 | `[R]` | where row `r` starts in `compressed` |
//!
//! Everything else is in the file as it is. -0 is a zero and comes back as +0; NaN is none.
//! With PyTorch's [`Names`] a row is one output of a linear layer, and a `config.json` beside the
//! file tells the Python package compressed-tensors what is in it.
//!
//! Reading trusts nothing: every size, offset and count is checked against the bytes that are
//! there, and shapes against the module's, before anything of their size is allocated.

mod bitmask;
mod cast;
mod config;
mod container;
mod content;
mod dtype;
mod group;
mod header;
mod integers;
mod load;
mod loaded;
mod masks;
mod names;
mod place;
mod plan;
mod put;
mod replace;
mod report;
mod save;
mod sizes;
mod slots;
mod target;
mod write;

pub use dtype::FloatType;
pub use load::{LoadConfig, load};
pub use loaded::{LoadReport, Misfit};
pub use masks::{load_masks, load_masks_bytes, save_masks};
pub use names::Names;
pub use report::{DenseTensor, SaveReport, SparseWeight};
pub use save::{SaveConfig, save, save_dense};
