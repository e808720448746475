//! Timing one product.

use std::time::{Duration, Instant};

/// Runs that are timed at least, and at most.
const RUNS: std::ops::Range<usize> = 5..400;

/// The median time of a product in seconds, over about so many milliseconds.
pub fn seconds(milliseconds: u64, mut work: impl FnMut()) -> f64 {
    work();
    let long = Duration::from_millis(milliseconds);
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < RUNS.start || (start.elapsed() < long && times.len() < RUNS.end) {
        let begun = Instant::now();
        work();
        times.push(begun.elapsed().as_secs_f64());
    }
    crate::numbers::Spread::of(times).median
}
