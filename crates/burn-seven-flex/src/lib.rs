//! The flex backend of burn-seven: Burn's own CPU backend in pure Rust.

use burn::tensor::Device;

/// The CPU, by flex, without autodiff; `device().autodiff()` trains on it.
pub fn device() -> Device {
    Device::flex()
}
