//! The linear ramp.

use super::{Curve, RampSchedule};

/// The linear ramp, `s = s_f + (s_i - s_f) (1 - p)`.
pub type LinearSchedule = RampSchedule<Linear>;

/// The curve of [`LinearSchedule`].
#[derive(Debug, Clone, Copy)]
pub struct Linear;

impl Curve for Linear {
    const NAME: &'static str = "linear";

    fn sparsity(progress: f64, initial: f64, target: f64) -> f64 {
        target + (initial - target) * (1.0 - progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Schedule, Sparsity};

    // 0.8 · (1/4, 2/4, 3/4, 1).
    #[test]
    fn four_steps_to_0_8() {
        let schedule = LinearSchedule::new(10..14, Sparsity::new(0.8).unwrap());
        for (step, expected) in (10..14).zip([0.2, 0.4, 0.6, 0.8]) {
            let sparsity = schedule.sparsity_at(step, Sparsity::DENSE).value();
            assert!((sparsity - expected).abs() < 1e-6, "{step}: {sparsity}");
        }
        assert_eq!(schedule.sparsity_at(9, Sparsity::DENSE), Sparsity::DENSE);
        assert_eq!(schedule.sparsity_at(99, Sparsity::DENSE).value(), 0.8);
    }
}
