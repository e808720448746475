//! What stays of every weight in any case.

use serde::{Deserialize, Serialize};

use crate::sparsity::kept_of_share;
use crate::{Error, Sparsity};

/// The least that stays of every weight tensor, so that no layer is lost whole. Of units of more
/// than one entry, as many stay as hold it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Floor {
    /// So many entries, or all where there are fewer.
    Entries(usize),
    /// This share of the entries, in `[0, 1)`, and at least one where it is above 0.
    Share(f64),
    /// This share of what an even cut at the final sparsity would leave, in `[0, 1]`, and at least
    /// one entry where it is above 0. With 0.1 and a final sparsity of 0.9 that is a hundredth of
    /// each weight.
    ShareOfDensity(f64),
}

impl Floor {
    /// Checks that a share is one.
    pub(crate) fn validate(self) -> Result<(), Error> {
        let (value, fits) = match self {
            Self::Entries(_) => return Ok(()),
            Self::Share(share) => (share, (0.0..1.0).contains(&share)),
            Self::ShareOfDensity(share) => (share, (0.0..=1.0).contains(&share)),
        };
        match fits {
            true => Ok(()),
            false => Err(Error::OutOfRange {
                parameter: "floor",
                value,
                allowed: "a share of 1",
            }),
        }
    }

    /// How many of `count` entries that is, for a schedule that ends on `target`.
    pub(crate) fn of(self, count: usize, target: Sparsity) -> usize {
        let share = match self {
            Self::Entries(entries) => return entries.min(count),
            Self::Share(share) => share,
            Self::ShareOfDensity(share) => share * target.density(),
        };
        match share > 0.0 {
            true => kept_of_share(share, count).clamp(1, count),
            false => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_a_count_or_a_share() {
        let target = Sparsity::new(0.9).unwrap();
        assert_eq!(Floor::Entries(3).of(2, target), 2);
        assert_eq!(Floor::Share(0.05).of(100, target), 5);
        assert_eq!(Floor::Share(0.05).of(10, target), 1);
        assert_eq!(Floor::ShareOfDensity(0.1).of(1000, target), 10);
        assert_eq!(Floor::ShareOfDensity(0.0).of(1000, target), 0);
        assert!(Floor::Share(1.0).validate().is_err());
    }
}
