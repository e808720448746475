//! Splitting a tensor over the cores.

/// Below this many entries a tensor is not worth another thread.
const LEAST: usize = 1 << 15;

/// How many entries each thread gets of `count`.
pub fn length(count: usize) -> usize {
    let threads = rayon::current_num_threads();
    // Whole cache lines of every element type.
    count.div_ceil(threads).max(LEAST).next_multiple_of(64)
}
