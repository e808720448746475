//! Two scorers compared seed by seed.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::sample::Sample;

/// Results are shares of a few thousand answers at most: smaller differences are rounding.
const ROUNDING: f64 = 1e-9;

/// Differences of pairs, and whether they are likely by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Mean and spread of the differences.
    pub differences: Sample,
    /// Mean over its standard error; none for a single pair or equal differences.
    pub t: Option<f64>,
    /// The two-sided p of t at one degree of freedom less than there are pairs.
    pub p: Option<f64>,
    /// Differences above 0.
    pub wins: usize,
    /// Differences of 0.
    pub ties: usize,
    /// Differences below 0.
    pub losses: usize,
}

impl Paired {
    /// The differences together; none for no differences.
    pub fn of(differences: &[f64]) -> Option<Self> {
        let sample = Sample::of(differences)?;
        let wins = differences.iter().filter(|d| **d > ROUNDING).count();
        let losses = differences.iter().filter(|d| **d < -ROUNDING).count();
        let t = t_of(sample);
        Some(Self {
            differences: sample,
            t,
            p: t.and_then(|t| p_of(t, sample.count)),
            wins,
            ties: sample.count - wins - losses,
            losses,
        })
    }
}

fn t_of(sample: Sample) -> Option<f64> {
    let deviation = sample.deviation.filter(|d| *d > ROUNDING)?;
    Some(sample.mean / (deviation / (sample.count as f64).sqrt()))
}

fn p_of(t: f64, count: usize) -> Option<f64> {
    let student = StudentsT::new(0.0, 1.0, count as f64 - 1.0).ok()?;
    Some((2.0 * student.cdf(-t.abs())).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mean 2, deviation 1, t = 2 / (1 / √3) = 2 √3. At 2 degrees of freedom the distribution is
    // 1/2 + t / (2 √(2 + t²)), so that p = 1 - t / √(2 + t²) = 1 - √(12 / 14).
    #[test]
    fn one_two_three_is_not_far_enough_from_zero() {
        let paired = Paired::of(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(paired.differences.mean, 2.0);
        assert_eq!(paired.differences.deviation, Some(1.0));
        assert!((paired.t.unwrap() - 3.4641016).abs() < 1e-7);
        assert!((paired.p.unwrap() - (1.0 - (12.0f64 / 14.0).sqrt())).abs() < 1e-9);
        assert!((paired.p.unwrap() - 0.0742).abs() < 5e-5);
        assert_eq!((paired.wins, paired.ties, paired.losses), (3, 0, 0));
    }

    // Mean 0, so t is 0 and anything is as likely. At one degree of freedom (Cauchy) t = 1 has
    // p = 1/2: differences 0 and 2 have mean 1, deviation √2, t = 1 / (√2 / √2) = 1.
    #[test]
    fn p_is_two_sided() {
        let paired = Paired::of(&[-1.0, 1.0]).unwrap();
        assert_eq!((paired.t, paired.p), (Some(0.0), Some(1.0)));
        for sign in [1.0, -1.0] {
            let paired = Paired::of(&[0.0, sign * 2.0]).unwrap();
            assert!((paired.t.unwrap() - sign).abs() < 1e-12);
            assert!((paired.p.unwrap() - 0.5).abs() < 1e-9);
        }
    }

    #[test]
    fn one_pair_or_equal_differences_have_no_test() {
        let one = Paired::of(&[0.01]).unwrap();
        assert_eq!((one.t, one.p, one.wins), (None, None, 1));
        // 0.3 - 0.2 and 0.2 - 0.1 differ by rounding only.
        let equal = Paired::of(&[0.3 - 0.2, 0.2 - 0.1]).unwrap();
        assert_eq!((equal.t, equal.p), (None, None));
        assert_eq!(Paired::of(&[]), None);
    }

    #[test]
    fn rounding_is_a_tie() {
        let paired = Paired::of(&[0.1 + 0.2 - 0.3, -0.1, 0.2]).unwrap();
        assert_eq!((paired.wins, paired.ties, paired.losses), (1, 1, 1));
    }
}
