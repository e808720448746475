//! One region of rayon's pool for a whole run, in which no thread falls asleep.
//!
//! A run has dozens of operations that share their work among threads, most of them for less than a
//! tenth of a millisecond. A thread that slept in between wakes up too late to be of use.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Whether this thread is in a run.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Runs on a thread of rayon's pool, while the others look for parts of the work without a rest.
pub(crate) fn awake<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    if rayon::current_num_threads() == 1 {
        return run();
    }
    // A join is run inside of the pool.
    rayon::join(|| among_awake(run), || ()).0
}

fn among_awake<T>(run: impl FnOnce() -> T) -> T {
    let end = End {
        ended: Arc::new(AtomicBool::new(false)),
        before: RUNNING.replace(true),
    };
    let ended = end.ended.clone();
    rayon::spawn_broadcast(move |_| look_for_work(&ended));
    run()
}

/// The end of a run, by a panic too.
struct End {
    ended: Arc<AtomicBool>,
    before: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        RUNNING.set(self.before);
    }
}

/// Does what others offer until the run has ended. A thread that is in a run itself does not: its
/// own run would wait for the other's end.
fn look_for_work(ended: &AtomicBool) {
    while !RUNNING.get() && !ended.load(Ordering::Acquire) {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_inside_of_each_other_and_beside_each_other_end() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let pool = pool.expect("a pool");
        let sum = |count: u32| -> u32 {
            use rayon::prelude::*;
            (0..count).into_par_iter().with_max_len(1).sum()
        };
        pool.install(|| {
            assert_eq!(awake(|| awake(|| sum(100)) + sum(3)), 4953);
        });
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert_eq!(pool.install(|| awake(|| sum(50))), 1225);
                    }
                });
            }
        });
        let stop = || pool.install(|| awake(|| panic!("stop")));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(stop));
        assert!(panicked.is_err());
        assert_eq!(pool.install(|| awake(|| sum(50))), 1225);
    }
}
