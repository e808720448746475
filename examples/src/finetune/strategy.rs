//! How weights move while fine-tuning.

use burn::optim::{AdamWConfig, LionConfig, ModuleOptimizer, SgdConfig, momentum::MomentumConfig};

use super::Strategy;

/// The share of the steps over which [`Strategy::AdamwLinear`] warms up.
const WARM_UP: f64 = 0.1;

impl Strategy {
    /// The optimizer. Weight decay is 0, as in the paper.
    pub fn optimizer(self) -> ModuleOptimizer {
        match self {
            Self::Adamw | Self::AdamwLinear | Self::Lora => {
                AdamWConfig::new().with_weight_decay(0.0).init()
            }
            Self::Sgd => {
                let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
                SgdConfig::new().with_momentum(Some(momentum)).init()
            }
            Self::Lion => LionConfig::new().init(),
        }
    }

    /// The learning rate at `step` of `steps`, the highest being `rate`.
    pub fn rate(self, rate: f64, step: usize, steps: usize) -> f64 {
        if self != Self::AdamwLinear {
            return rate;
        }
        let (done, all) = ((step + 1) as f64, steps.max(1) as f64);
        let warm_up = (WARM_UP * all).max(1.0);
        let left = (all + 1.0 - done) / (all + 1.0 - warm_up).max(1.0);
        rate * (done / warm_up).min(left).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Of 20 steps 2 are warm-up; then the rate falls by 1/19 of it a step and ends above 0.
    #[test]
    fn the_rate_warms_up_and_falls_linearly() {
        let rate = |step| Strategy::AdamwLinear.rate(0.2, step, 20);
        assert!((rate(0) - 0.1).abs() < 1e-12);
        assert!((rate(1) - 0.2).abs() < 1e-12);
        assert!((rate(2) - 0.2 * 18.0 / 19.0).abs() < 1e-12);
        assert!((rate(19) - 0.2 / 19.0).abs() < 1e-12);
        assert_eq!(Strategy::Sgd.rate(0.2, 7, 20), 0.2);
    }
}
