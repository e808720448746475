//! The cubic ramp: fast at first, when many weights are idle.

use super::{Curve, RampSchedule};

/// The cubic ramp, `s = s_f + (s_i - s_f) (1 - p)³`: fast at first, when many weights are idle, slow at
/// the end. The default of SEVEN, movement pruning and PLATON.
///
/// See [To prune, or not to prune](https://arxiv.org/abs/1710.01878), equation 1.
pub type CubicSchedule = RampSchedule<Cubic>;

/// The curve of [`CubicSchedule`].
#[derive(Debug, Clone, Copy)]
pub struct Cubic;

impl Curve for Cubic {
    const NAME: &'static str = "cubic";

    fn sparsity(progress: f64, initial: f64, target: f64) -> f64 {
        let left = 1.0 - progress;
        target + (initial - target) * left * left * left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Schedule, Sparsity};

    // 0.8 · (1 - (3/4)³, 1 - (1/2)³, 1 - (1/4)³, 1).
    #[test]
    fn four_steps_to_0_8() {
        let schedule = CubicSchedule::new(10..14, Sparsity::new(0.8).unwrap());
        for (step, expected) in (10..14).zip([0.4625, 0.7, 0.7875, 0.8]) {
            let sparsity = schedule.sparsity_at(step, Sparsity::DENSE).value();
            assert!((sparsity - expected).abs() < 1e-6, "{step}: {sparsity}");
        }
        assert_eq!(schedule.sparsity_at(9, Sparsity::DENSE), Sparsity::DENSE);
        assert_eq!(schedule.sparsity_at(99, Sparsity::DENSE).value(), 0.8);
    }
}
