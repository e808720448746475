//! How fast a device copies memory, to compare with.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use burn_seven::kernels;

use crate::Error;
use crate::numbers::Spread;

/// Bytes of the block that is copied: far more than any cache holds.
const BLOCK: usize = 256 << 20;

/// How often it is copied; the median counts.
const REPEAT: usize = 9;

/// Nanoseconds to copy 16 bytes (read and written), with all of the device's cores.
///
/// # Errors
///
/// A device that fails.
pub fn nanoseconds_of_16_bytes(device: &Device) -> Result<f64, Error> {
    match kernels::at(device).name() {
        "cubecl" => on_the_device(device),
        _ => Ok(on_the_host()),
    }
}

/// Bytes of the block on a device: less than the 128 MiB that any can bind at once.
const DEVICE_BLOCK: usize = 96 << 20;

/// By an operation that reads and writes each value once.
fn on_the_device(device: &Device) -> Result<f64, Error> {
    let sync = || {
        let failed = |error| Error::Device(format!("{error:?}"));
        device.sync().map_err(failed)
    };
    let count = DEVICE_BLOCK / size_of::<f32>();
    let from = Tensor::<1>::ones([count], device);
    let mut times = Vec::new();
    for round in 0..=REPEAT {
        sync()?;
        let start = Instant::now();
        let to = from.clone().add_scalar(1.0);
        sync()?;
        // The first one compiles the kernel.
        if round > 0 {
            times.push(start.elapsed().as_secs_f64());
        }
        // A launch that failed shows in what it should have written.
        if to.slice(0..1).into_scalar::<f32>() != 2.0 {
            return Err(Error::Device("the copy was not made".to_string()));
        }
    }
    Ok(Spread::of(times).median * 1e9 / (DEVICE_BLOCK as f64 / 16.0))
}

fn on_the_host() -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let from = vec![1u8; BLOCK];
    let mut to = vec![2u8; BLOCK];
    let share = BLOCK.div_ceil(threads);
    let mut times = Vec::new();
    for _ in 0..REPEAT {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (to, from) in to.chunks_mut(share).zip(from.chunks(share)) {
                scope.spawn(move || to.copy_from_slice(from));
            }
        });
        std::hint::black_box(&to);
        times.push(start.elapsed().as_secs_f64());
    }
    Spread::of(times).median * 1e9 / (BLOCK as f64 / 16.0)
}
