//! Images for training from scratch.

mod fashion;
mod idx;

pub use fashion::{Images, load};

pub use crate::data_error::DataError;
