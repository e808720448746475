//! The ndarray backend of burn-seven: pure Rust, on the CPU.
//!
//! Burn has deprecated its ndarray backend in 0.22 in favour of flex; it is kept here for training
//! code that uses it.
#![allow(deprecated)]

use burn::tensor::Device;

/// The CPU, by ndarray, without autodiff; `device().autodiff()` trains on it.
pub fn device() -> Device {
    Device::ndarray()
}
