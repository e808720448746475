//! Splitting work over the threads.

/// Work of fewer nanoseconds is not worth another thread.
const LEAST: f64 = 50_000.0;

/// Parts for each thread, so that one that is held up does not hold up all.
const PARTS: usize = 4;

/// How many of `count` values, which take so many nanoseconds each, are one part.
pub fn values(count: usize, cost: f64) -> usize {
    // Whole cache lines.
    rows(count, cost).next_multiple_of(64)
}

/// How many of `count` rows, which take so many nanoseconds each, are one part; at least 1.
pub fn rows(count: usize, cost: f64) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 || count as f64 * cost < LEAST {
        return count.max(1);
    }
    let least = (LEAST / 2.0 / cost) as usize;
    count.div_ceil(threads * PARTS).max(least).max(1)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Asserts that what the function gives is the same bits on 1, 2 and 3 threads.
    pub fn on_threads(compute: impl Fn() -> Vec<f32> + Sync) {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(&compute)
        };
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let one = bits(on(1));
        for threads in [2, 3] {
            assert!(bits(on(threads)) == one, "{threads} threads");
        }
    }

    #[test]
    fn little_work_stays_in_one_part() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        pool.unwrap().install(|| {
            assert_eq!(values(1000, 1.0), 1024);
            assert_eq!(rows(40_000, 1.0), 40_000);
            assert_eq!(rows(0, 1.0), 1);
            assert_eq!(rows(800_000, 1.0), 100_000);
            assert_eq!(rows(80_000, 1.0), 25_000);
            assert_eq!(rows(8, 1e6), 1);
        });
    }
}
