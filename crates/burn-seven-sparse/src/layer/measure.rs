//! Whether a packed weight is faster than the dense product, by trying both.

use std::time::{Duration, Instant};

use burn::tensor::{Tensor, module::linear};
use burn_seven_core::kernels::{Activation, PackedWeight};

/// The numbers of rows that are tried.
pub const ROWS: [usize; 4] = [1, 8, 32, 128];

/// Which of [`ROWS`] stands for so many rows: the nearest by ratio.
pub(super) fn class(rows: usize) -> usize {
    match rows {
        0..=2 => 0,
        3..=16 => 1,
        17..=64 => 2,
        _ => 3,
    }
}

/// How long either product is tried at least.
const LONG: Duration = Duration::from_millis(2);

/// How often either product is tried: at least, and at most.
const TRIES: std::ops::Range<usize> = 3..50;

/// The least that a clock can tell, in seconds: no time is 0.
const CLOCK: f64 = 1e-9;

/// The dense product's time over the packed one's, for each of [`ROWS`]; 0 where the packed one
/// cannot be had.
pub(super) fn speedups(weight: &Tensor<2>, packed: &PackedWeight) -> [f64; ROWS.len()] {
    let device = weight.device();
    let [inputs, outputs] = packed.shape();
    // No random numbers: the device's generator is the user's.
    let bias = Tensor::<1>::ones([outputs], &device);
    ROWS.map(|rows| {
        let input = Tensor::<2>::ones([rows, inputs], &device);
        let dense = || drop(linear(input.clone(), weight.clone(), Some(bias.clone())));
        let product = || packed.linear(input.clone(), Some(bias.clone()), Activation::None);
        match product() {
            None => 0.0,
            Some(_) => least(dense) / least(|| drop(product())),
        }
    })
}

/// The least time in seconds, after one run that counts for nothing.
fn least(work: impl Fn()) -> f64 {
    work();
    let start = Instant::now();
    let mut least = f64::INFINITY;
    for round in 0..TRIES.end {
        if round >= TRIES.start && start.elapsed() > LONG {
            break;
        }
        let begun = Instant::now();
        work();
        least = least.min(begun.elapsed().as_secs_f64());
    }
    least.max(CLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The borders are the geometric means: 2.8, 16, 64.
    #[test]
    fn each_number_of_rows_is_judged_by_the_nearest_that_was_tried() {
        for (index, rows) in ROWS.into_iter().enumerate() {
            assert_eq!(class(rows), index);
        }
        assert_eq!(
            [0, 2, 3, 16, 17, 64, 65, 9999].map(class),
            [0, 0, 1, 1, 2, 2, 3, 3]
        );
    }
}
