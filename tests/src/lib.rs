//! What the tests of the workspace share: replaying recorded streams, small models, a training
//! loop.

pub mod model;
pub mod replay;

use burn::tensor::Device;

/// Every backend that needs nothing but Rust.
pub fn devices() -> [Device; 2] {
    [burn_seven_ndarray::device(), burn_seven_flex::device()]
}

/// The guide's code, compiled and run as doctests.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/src/quickstart.md")]
    mod quickstart {}
    #[doc = include_str!("../../docs/src/adding-a-scorer.md")]
    mod adding_a_scorer {}
}
