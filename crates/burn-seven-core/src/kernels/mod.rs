//! The seam where a backend replaces the portable path.
//!
//! Everything here is of the crate `burn-seven-kernels`; each backend's own crate implements
//! [`Kernels`], and [`at`] finds the one for a device among the backends that are compiled in.

mod registry;

pub use burn_seven_kernels::*;
pub(crate) use registry::KernelChoice;
pub use registry::at;
