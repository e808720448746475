//! What a pruned model is worth once training is over: files that hold only its non-zeros.
//!
//! Users reach this as `burn_seven::sparse`. [`save`] writes a model to a safetensors file in the
//! layout `sparse-bitmask`, [`load`] reads one back into any Burn module, [`save_dense`] writes the
//! zeros out, and [`save_masks`] and [`load_masks`] take masks without weights.
//!
//! ```
//! # fn main() -> Result<(), burn_seven_sparse::SparseError> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let path = folder.path().join("model.safetensors");
//! use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Device};
//!
//! #[derive(Module, Debug)]
//! struct Model {
//!     inner: Linear,
//! }
//!
//! let model = Model { inner: LinearConfig::new(64, 8).init(&Device::default()) };
//! println!("{}", burn_seven_sparse::save(&model, &path)?);
//! let again = burn_seven_sparse::load(&model, &path)?;
//! assert_eq!(again.inner.weight.val().into_data(), model.inner.weight.val().into_data());
//! # Ok(())
//! # }
//! ```
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`file`](mod@file) | the files: [`SaveConfig`], [`LoadConfig`], [`Names`], [`SaveReport`], [`LoadReport`], masks |
//! | [`layer`] | [`SparseLinear`], a linear layer that skips its zeros once it is [packed](pack) |
//! | [`error`] | [`SparseError`] |

pub mod error;
pub mod file;
pub mod layer;

#[doc(inline)]
pub use error::SparseError;
#[doc(inline)]
pub use file::{
    DenseTensor, FloatType, LoadConfig, LoadReport, Misfit, Names, SaveConfig, SaveReport,
    SparseWeight, load, load_masks, load_masks_bytes, save, save_dense, save_masks,
};
#[doc(inline)]
pub use layer::{
    Activation, PackConfig, PackReport, PackRule, SparseLinear, SparseLinearConfig, pack,
};
