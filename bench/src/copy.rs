//! How fast this machine copies memory, to compare with.

use std::time::Instant;

/// Bytes of the block that is copied: far more than any cache holds.
const BLOCK: usize = 256 << 20;

/// Nanoseconds to copy 16 bytes (read and written), with all cores.
pub fn nanoseconds_of_16_bytes() -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let from = vec![1u8; BLOCK];
    let mut to = vec![2u8; BLOCK];
    let share = BLOCK.div_ceil(threads);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (to, from) in to.chunks_mut(share).zip(from.chunks(share)) {
                scope.spawn(move || to.copy_from_slice(from));
            }
        });
        std::hint::black_box(&to);
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / (BLOCK as f64 / 16.0)
}
