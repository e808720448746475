//! The share of weights that are zero.

use serde::{Deserialize, Serialize};

use crate::Error;

/// A share of weights to remove, in `[0, 1)`; a model at sparsity 0.9 keeps a tenth of its weights.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Sparsity(f64);

impl Sparsity {
    /// No weight is removed.
    pub const DENSE: Self = Self(0.0);

    /// A sparsity in `[0, 1)`.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for any other value, NaN included.
    pub fn new(value: f64) -> Result<Self, Error> {
        if (0.0..1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Error::OutOfRange {
                parameter: "sparsity",
                value,
                allowed: "in [0, 1)",
            })
        }
    }

    /// The sparsity that leaves `kept` of `total` weights; dense when `total` is 0.
    pub fn of_counts(kept: usize, total: usize) -> Result<Self, Error> {
        match total {
            0 => Ok(Self::DENSE),
            _ => Self::new((total as f64 - kept as f64) / total as f64),
        }
    }

    /// The share of weights that are zero.
    pub fn value(self) -> f64 {
        self.0
    }

    /// The share of weights that stay, `1 - sparsity`.
    pub fn density(self) -> f64 {
        1.0 - self.0
    }

    /// How many of `total` weights stay: `floor(density * total)`.
    ///
    /// `1 - 0.9` is a little less than a tenth in binary, so a product that is within rounding
    /// error of the next whole number counts as that number: 0.9 of 10 weights leaves 1, not 0.
    pub fn kept(self, total: usize) -> usize {
        kept_of_share(self.density(), total)
    }
}

/// `floor(share * total)`, where a product within rounding error of a whole number is that number.
pub(crate) fn kept_of_share(share: f64, total: usize) -> usize {
    let exact = share * total as f64;
    let rounded = exact.round();
    let tolerance = 8.0 * f64::EPSILON * total as f64;
    let kept = if (exact - rounded).abs() <= tolerance {
        rounded
    } else {
        exact.floor()
    };
    (kept as usize).min(total)
}

impl TryFrom<f64> for Sparsity {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self, Error> {
        Self::new(value)
    }
}

impl From<Sparsity> for f64 {
    fn from(sparsity: Sparsity) -> Self {
        sparsity.0
    }
}

impl std::fmt::Display for Sparsity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sparsity_outside_zero_to_one_is_an_error_with_its_value() {
        for value in [-0.1, 1.0, 1.5, f64::INFINITY] {
            assert_eq!(
                Sparsity::new(value),
                Err(Error::OutOfRange {
                    parameter: "sparsity",
                    value,
                    allowed: "in [0, 1)"
                })
            );
        }
        assert!(Sparsity::new(f64::NAN).is_err());
    }

    #[test]
    fn kept_counts_are_floors_without_binary_rounding() {
        assert_eq!(Sparsity::new(0.9).unwrap().kept(10), 1);
        assert_eq!(Sparsity::new(0.9).unwrap().kept(19), 1);
        assert_eq!(Sparsity::new(0.7).unwrap().kept(10), 3);
        assert_eq!(Sparsity::new(2.0 / 3.0).unwrap().kept(9), 3);
        assert_eq!(Sparsity::new(0.9).unwrap().kept(85_524_480), 8_552_448);
        assert_eq!(Sparsity::DENSE.kept(7), 7);
    }

    #[test]
    fn serde_refuses_what_new_refuses() {
        let sparsity: Sparsity = serde_json::from_str("0.5").unwrap();
        assert_eq!(sparsity.value(), 0.5);
        assert!(serde_json::from_str::<Sparsity>("1.5").is_err());
    }

    proptest! {
        #[test]
        fn per_mille_sparsities_keep_the_integer_quotient(
            mille in 0usize..1000,
            total in 0usize..100_000_000,
        ) {
            let sparsity = Sparsity::new(mille as f64 / 1000.0).unwrap();
            prop_assert_eq!(sparsity.kept(total), (1000 - mille) * total / 1000);
        }
    }
}
