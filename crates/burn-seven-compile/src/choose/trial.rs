//! Timing.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long something is tried at least, and how often.
const LONG: Duration = Duration::from_micros(300);
const TRIES: std::ops::RangeInclusive<usize> = 3..=30;

/// Bytes that are read to put others out of the caches, and of a cache line.
const CACHES: usize = 32 << 20;
const LINE: usize = 64;

/// The shortest of some tries, in seconds; `cold` ones find nothing in the caches.
pub(super) fn shortest(cold: bool, mut run: impl FnMut()) -> f64 {
    // Memory that was never written would be no memory to the system.
    let other = vec![1u8; if cold { CACHES } else { 0 }];
    let (mut spent, mut least, mut tries) = (0.0, f64::INFINITY, 0);
    while tries < *TRIES.start() || spent < LONG.as_secs_f64() && tries < *TRIES.end() {
        let lines = other.iter().step_by(LINE);
        black_box(lines.map(|byte| usize::from(*byte)).sum::<usize>());
        let one = Instant::now();
        run();
        let seconds = one.elapsed().as_secs_f64();
        (spent, least) = (spent + seconds, least.min(seconds));
        tries += 1;
    }
    least
}
