//! Memory that is used again from operation to operation and from run to run.

use std::sync::{Mutex, PoisonError};

use crate::value::Value;

/// Buffers that no tensor needs at the moment.
///
/// Fresh memory costs the system a page at a time, which takes longer than many operations on it.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Vec<f32>>>);

/// How many buffers are kept at most.
const KEPT: usize = 32;

impl Pool {
    /// `count` values, of any content.
    pub fn take(&self, count: usize) -> Vec<f32> {
        let mut values = self.room(count);
        values.resize(count, 0.0);
        values
    }

    /// A buffer with room for `count` values, whose content is of no meaning.
    pub fn room(&self, count: usize) -> Vec<f32> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = free
            .iter()
            .enumerate()
            .filter(|(_, values)| (count..=2 * count.max(1024)).contains(&values.capacity()));
        match fits.min_by_key(|(_, values)| values.capacity()) {
            Some((index, _)) => free.remove(index),
            None => Vec::with_capacity(count),
        }
    }

    /// Takes a buffer back.
    pub fn give(&self, values: Vec<f32>) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() >= KEPT {
            free.remove(0); // the one that was of no use for the longest time
        }
        free.push(values);
    }

    /// Takes a tensor's memory back, if no one else holds it.
    pub fn take_back(&self, value: Value) {
        if let Some(memory) = value.into_memory() {
            self.give(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_for_about_as_many_values() {
        let pool = Pool::default();
        let values = pool.take(5000);
        let capacity = values.capacity();
        pool.give(values);
        assert!(pool.take(100_000).capacity() >= 100_000);
        let again = pool.take(4000);
        assert_eq!((again.len(), again.capacity()), (4000, capacity));
        assert_eq!(pool.take(3).len(), 3);
    }

    #[test]
    fn what_is_of_no_use_makes_room() {
        let pool = Pool::default();
        for _ in 0..2 * KEPT {
            pool.give(vec![0.0; 3]);
        }
        pool.give(Vec::with_capacity(9999));
        assert_eq!(pool.take(9000).capacity(), 9999);
    }
}
