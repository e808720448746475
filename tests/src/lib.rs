//! What the tests of the workspace share: replaying recorded streams, small models, a training
//! loop.

mod devices;
pub mod finetune;
pub mod model;
pub mod replay;

pub use devices::{VARIABLE, backend, cases, device, devices, last_device};

/// The guide's code, compiled and run as doctests.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/src/quickstart.md")]
    mod quickstart {}
    #[doc = include_str!("../../docs/src/structures.md")]
    mod structures {}
    #[doc = include_str!("../../docs/src/situations.md")]
    mod situations {}
    #[doc = include_str!("../../docs/src/training.md")]
    mod training {}
    #[doc = include_str!("../../docs/src/adding-a-scorer.md")]
    mod adding_a_scorer {}
    #[doc = include_str!("../../docs/src/sparse.md")]
    mod sparse {}
    #[doc = include_str!("../../docs/src/compiled.md")]
    mod compiled {}
    #[doc = include_str!("../../docs/src/after.md")]
    mod after {}
    #[doc = include_str!("../../docs/src/shrink.md")]
    mod shrink {}
}
