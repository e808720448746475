//! Timing products beside each other.

use std::time::{Duration, Instant};

use crate::Error;
use crate::numbers::Spread;

/// Runs that are timed at least, and at most.
const RUNS: std::ops::Range<usize> = 2..400;

/// How often the products of a shape are timed in turn: a machine's pace changes within a second.
const ROUNDS: usize = 11;

/// Gives the median seconds of a product over about so many milliseconds.
pub type Contender<'a> = Box<dyn FnMut(u64) -> Result<f64, Error> + 'a>;

/// One that is called.
pub fn calls<'a>(mut work: impl FnMut() + 'a) -> Contender<'a> {
    Box::new(move |milliseconds| Ok(seconds(milliseconds, &mut work)))
}

/// The median seconds of each in rounds that all take part in, over so many milliseconds together.
pub fn rounds(contenders: &mut [Contender<'_>], milliseconds: u64) -> Result<Vec<Vec<f64>>, Error> {
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            times.push(contender(milliseconds.div_ceil(ROUNDS as u64))?);
        }
    }
    Ok(times)
}

fn seconds(milliseconds: u64, work: &mut impl FnMut()) -> f64 {
    work();
    let long = Duration::from_millis(milliseconds);
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < RUNS.start || (start.elapsed() < long && times.len() < RUNS.end) {
        let begun = Instant::now();
        work();
        times.push(begun.elapsed().as_secs_f64());
    }
    Spread::of(times).median
}
