//! Mean and spread of a few values.

use super::text::points;

/// Mean and spread of a few values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// How many values.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; none for a single value.
    pub deviation: Option<f64>,
}

impl Sample {
    /// The values together; none for no values, or for values whose sum is no number.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        if !mean.is_finite() {
            return None;
        }
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (count > 1).then(|| (squares / (count as f64 - 1.0)).sqrt());
        Some(Self {
            count,
            mean,
            deviation,
        })
    }

    /// As the cell of a table, times 100: `85.21 ± 0.43 (5)`.
    pub fn cell(sample: Option<Self>) -> String {
        let Some(sample) = sample else {
            return "—".to_string();
        };
        let mean = points(sample.mean);
        match sample.deviation {
            Some(deviation) => format!("{mean} ± {} ({})", points(deviation), sample.count),
            None => format!("{mean} ({})", sample.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mean 3; squares 4 + 0 + 4 over 2 is 4, its root 2.
    #[test]
    fn deviation_is_that_of_a_sample() {
        let sample = Sample::of(&[1.0, 3.0, 5.0]).unwrap();
        assert_eq!((sample.count, sample.mean), (3, 3.0));
        assert_eq!(sample.deviation, Some(2.0));
    }

    #[test]
    fn one_value_has_no_deviation_and_no_values_have_no_mean() {
        assert_eq!(Sample::of(&[0.9]).unwrap().deviation, None);
        assert_eq!(Sample::of(&[]), None);
        assert_eq!(Sample::of(&[0.9, f64::NAN]), None);
    }

    #[test]
    fn a_cell_shows_mean_deviation_and_count_times_100() {
        assert_eq!(Sample::cell(Sample::of(&[0.8, 0.9])), "85.00 ± 7.07 (2)");
        assert_eq!(Sample::cell(Sample::of(&[0.8])), "80.00 (1)");
        assert_eq!(Sample::cell(None), "—");
    }
}
