//! Saying that the portable path was taken where a backend has a faster one.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Logs once for each pair of `kernels` and `work`, as a warning, that the portable path did this
/// work, since the kernels of that name cannot do it for the tensors that they were given.
pub fn fell_back(kernels: &'static str, work: &'static str) {
    static SAID: LazyLock<Mutex<HashSet<(&str, &str)>>> = LazyLock::new(Mutex::default);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert((kernels, work)) {
        log::warn!(
            "burn-seven: {work} by the portable path, which is slower: the {kernels} kernels are not \
             for tensors of this type, size or device"
        );
    }
}
