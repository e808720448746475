//! An axis with ticks at round numbers.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Range and ticks of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Its start.
    pub low: f64,
    /// Its end.
    pub high: f64,
    /// Its ticks, rising.
    pub ticks: Vec<f64>,
    /// How far its ticks are apart; none for ticks that were given.
    step: Option<f64>,
}

impl Axis {
    /// An axis that holds a range with some space at both ends, and has about as many ticks.
    pub fn around(low: f64, high: f64, space: f64, count: usize) -> Self {
        let size = high - low;
        // A single value, or values that differ by rounding only, get an axis as long as they are.
        let floor = 1e-9 + 0.02 * low.abs().max(high.abs());
        let size = if size > 1e-9 * floor { size } else { floor };
        let pad = if high - low < size {
            size
        } else {
            space * size
        };
        let (low, high) = (low - pad, high + pad);
        let step = round_step((high - low) / count.max(1) as f64);
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        let ticks = (first..=last)
            .take(4 * count)
            .map(|index| index as f64 * step);
        Self {
            low,
            high,
            ticks: ticks.collect(),
            step: Some(step),
        }
    }

    /// The axis with other ticks.
    pub fn with_ticks(mut self, ticks: &[f64]) -> Self {
        if !ticks.is_empty() {
            self.ticks = ticks.to_vec();
            self.step = None;
        }
        self
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        start + (share.clamp(-1.0, 2.0) * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

/// A tick has as many decimals as all of them need.
impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, tick: &f64) -> String {
        let tick = if *tick == 0.0 { 0.0 } else { *tick };
        match self.step {
            None => tick.to_string(),
            Some(step) if !(1e-6..1e6).contains(&step) => format!("{tick:.1e}"),
            Some(step) => {
                let decimals = (-step.log10().floor()).max(0.0) as usize;
                format!("{tick:.decimals$}")
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, at least the given step.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let enough = factors
        .into_iter()
        .find(|factor| factor * power >= step * (1.0 - 1e-9));
    enough.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks
            .iter()
            .map(|tick| axis.format_ext(tick))
            .collect()
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_axis() {
        assert_eq!(
            labels(&Axis::around(0.0, 10.0, 0.0, 5)),
            ["0", "2", "4", "6", "8", "10"]
        );
        assert_eq!(
            labels(&Axis::around(50.9, 92.1, 0.0, 5)),
            ["60", "70", "80", "90"]
        );
        assert_eq!(
            labels(&Axis::around(-0.03, 0.02, 0.0, 5)),
            ["-0.03", "-0.02", "-0.01", "0.00", "0.01", "0.02"]
        );
    }

    #[test]
    fn steps_are_the_next_of_one_two_and_five() {
        let steps = [0.03, 0.1, 0.11, 3.0, 6.0].map(round_step);
        for (step, expected) in steps.into_iter().zip([0.05, 0.1, 0.2, 5.0, 10.0]) {
            assert!((step - expected).abs() < 1e-12, "{step} {expected}");
        }
    }

    #[test]
    fn a_single_value_has_an_axis_around_it() {
        for value in [0.0, 0.9, -3.0, 1e300] {
            let axis = Axis::around(value, value, 0.05, 5);
            assert!(axis.low < value && value < axis.high, "{axis:?}");
            assert!(axis.ticks.len() < 20);
        }
    }

    #[test]
    fn values_map_to_pixels_and_those_far_outside_stay_in_reach() {
        let axis = Axis::around(0.0, 10.0, 0.0, 5);
        assert_eq!(axis.map(&2.5, (100, 200)), 125);
        assert_eq!(axis.map(&2.5, (200, 100)), 175);
        assert_eq!(axis.map(&1e300, (100, 200)), 300);
    }

    #[test]
    fn given_ticks_replace_the_chosen_ones() {
        let axis = Axis::around(0.5, 0.9, 0.1, 4).with_ticks(&[0.5, 0.9]);
        assert_eq!(labels(&axis), ["0.5", "0.9"]);
    }
}
