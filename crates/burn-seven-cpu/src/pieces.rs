//! Splitting a tensor over the cores.

/// Below this many entries a tensor is not worth another thread.
const LEAST: usize = 1 << 15;

/// Below this many entries it is not worth another histogram.
const LEAST_COUNTED: usize = 1 << 18;

/// How many entries each thread gets of `count`.
pub fn length(count: usize) -> usize {
    at_least(count, LEAST)
}

/// The same where each thread fills a histogram of its own.
pub fn length_counted(count: usize) -> usize {
    at_least(count, LEAST_COUNTED)
}

fn at_least(count: usize, least: usize) -> usize {
    let threads = rayon::current_num_threads();
    // Whole cache lines of every element type.
    count.div_ceil(threads).max(least).next_multiple_of(64)
}
