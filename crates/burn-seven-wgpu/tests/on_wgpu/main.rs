//! The kernels on wgpu, against plain Rust and the portable path.

mod count;
mod data;
mod expected;
mod finite;
mod layout;
mod select;
mod seven;
mod write;
