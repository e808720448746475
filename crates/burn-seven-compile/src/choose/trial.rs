//! Timing.

use std::time::{Duration, Instant};

/// How long something is tried at least, and how often.
const LONG: Duration = Duration::from_micros(300);
const TRIES: std::ops::RangeInclusive<usize> = 3..=30;

/// The shortest of some tries, in seconds.
pub(super) fn shortest(mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let (mut least, mut tries) = (f64::INFINITY, 0);
    while tries < *TRIES.start() || start.elapsed() < LONG && tries < *TRIES.end() {
        let one = Instant::now();
        run();
        least = least.min(one.elapsed().as_secs_f64());
        tries += 1;
    }
    least
}
