//! Dropping weights and growing others in their place.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::scorer::in_unit_interval;

/// At each choice of masks a share of what is kept is dropped, by the lowest scores, and as many
/// grow, by the highest growth scores, so that the sparsity is the schedule's.
///
/// The share falls along a cosine, `f(t) = α/2 · (1 + cos(π t / T))`; of a pool of `k` kept entries
/// `floor(f · k)` are dropped. What was just dropped may grow again. What grows starts from 0, and a
/// step of [`Pruner::optimize`](crate::Pruner::optimize) that changes masks leaves the optimizer out: so
/// the schedule needs an interval above 1.
///
/// See [Rigging the Lottery: Making All Tickets Winners](https://arxiv.org/abs/1911.11134),
/// section 3 and algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DropAndGrow {
    fraction: f64,
    end: Option<usize>,
}

impl Default for DropAndGrow {
    fn default() -> Self {
        Self::new()
    }
}

impl DropAndGrow {
    /// A share of 0.3 that falls to 0 by the end of the schedule's window.
    pub fn new() -> Self {
        Self {
            fraction: 0.3,
            end: None,
        }
    }

    /// The share at the start, `α`, in `[0, 1)`. Default: 0.3
    pub fn with_fraction(mut self, fraction: f64) -> Self {
        self.fraction = fraction;
        self
    }

    /// The step `T` at which the share is 0. Default: the end of the schedule's window
    pub fn with_end(mut self, end: usize) -> Self {
        self.end = Some(end);
        self
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        in_unit_interval("fraction", self.fraction)
    }

    /// The share at a step, for a window that ends at `end`.
    pub(crate) fn at(&self, step: usize, end: usize) -> f64 {
        let end = self.end.unwrap_or(end);
        match step < end {
            true => self.fraction / 2.0 * (1.0 + (PI * step as f64 / end as f64).cos()),
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_falls_along_a_cosine() {
        let rule = DropAndGrow::new();
        assert_eq!(rule.at(0, 100), 0.3);
        assert!((rule.at(50, 100) - 0.15).abs() < 1e-12);
        assert_eq!(rule.at(100, 100), 0.0);
        assert_eq!(rule.with_end(40).at(60, 100), 0.0);
        assert!(rule.with_fraction(1.0).validate().is_err());
    }
}
