//! The exponential ramp: the density falls by the same factor at each step.

use super::{Curve, RampSchedule};

/// The exponential ramp: the density `1 - s` falls by the same factor at each step, from `1 - s_i` to
/// `1 - s_f`. The schedule of iterative SNIP, FORCE and SynFlow.
///
/// See [Progressive Skeletonization](https://arxiv.org/abs/2006.09081), section 3.
pub type ExponentialSchedule = RampSchedule<Exponential>;

/// The curve of [`ExponentialSchedule`].
#[derive(Debug, Clone, Copy)]
pub struct Exponential;

impl Curve for Exponential {
    const NAME: &'static str = "exponential";

    fn sparsity(progress: f64, initial: f64, target: f64) -> f64 {
        let density = (1.0 - initial).powf(1.0 - progress) * (1.0 - target).powf(progress);
        1.0 - density
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Schedule, Sparsity};

    // The density is 0.2^(t/4): 0.6687, 0.4472, 0.2991, 0.2.
    #[test]
    fn four_steps_to_0_8() {
        let schedule = ExponentialSchedule::new(10..14, Sparsity::new(0.8).unwrap());
        for (step, expected) in (10..14).zip([0.331260, 0.552786, 0.700930, 0.8]) {
            let sparsity = schedule.sparsity_at(step, Sparsity::DENSE).value();
            assert!((sparsity - expected).abs() < 1e-6, "{step}: {sparsity}");
        }
        assert_eq!(schedule.sparsity_at(9, Sparsity::DENSE), Sparsity::DENSE);
        assert_eq!(schedule.sparsity_at(99, Sparsity::DENSE).value(), 0.8);
    }
}
