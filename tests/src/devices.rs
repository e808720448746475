//! The devices that the tests run on.

use burn::tensor::Device;

/// Names one backend to run every test on, by its crate's suffix, such as `wgpu`.
pub const VARIABLE: &str = "BURN_SEVEN_TEST_BACKEND";

/// The name that [`VARIABLE`] has, if any.
pub fn backend() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// The backend that [`VARIABLE`] names, if it does.
///
/// # Panics
///
/// When it names one that is not compiled in: no test is skipped in silence.
fn chosen() -> Option<Device> {
    let device = match backend()?.as_str() {
        "ndarray" => burn_seven_ndarray::device(),
        "flex" => burn_seven_flex::device(),
        #[cfg(feature = "wgpu")]
        "wgpu" => burn_seven_wgpu::device(),
        #[cfg(feature = "cuda")]
        "cuda" => burn_seven_cuda::device(),
        #[cfg(feature = "tch")]
        "tch" => burn_seven_tch::device(),
        other => panic!("{VARIABLE} is {other:?}, which is not compiled in"),
    };
    Some(device)
}

/// The device that a test runs on which needs just one: the library's, or the chosen backend's.
pub fn device() -> Device {
    chosen().unwrap_or_else(burn_seven::device)
}

/// Every backend that needs nothing but Rust, or the chosen one.
pub fn devices() -> Vec<Device> {
    match chosen() {
        Some(device) => vec![device],
        None => vec![burn_seven_ndarray::device(), burn_seven_flex::device()],
    }
}

/// How many random cases a property is tried on: fewer where each is slow.
pub fn cases(count: u32) -> u32 {
    match backend().as_deref() {
        Some("wgpu" | "cuda") => count.div_ceil(10),
        _ => count,
    }
}

/// The last of [`devices`], so that tests that take just one differ in which.
pub fn last_device() -> Device {
    let mut devices = devices();
    devices.pop().unwrap_or_else(device)
}
