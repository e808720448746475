//! A number to sort and group by.

use std::cmp::Ordering;
use std::fmt;

/// A number with the total order of its bits, 0 and -0 being one.
#[derive(Debug, Clone, Copy)]
pub struct Ordered(f64);

impl Ordered {
    /// The number to sort by.
    pub fn new(value: f64) -> Self {
        Self(if value == 0.0 { 0.0 } else { value })
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered {}

impl fmt::Display for Ordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_zeros_are_one_and_numbers_that_are_none_come_last() {
        assert_eq!(Ordered::new(-0.0), Ordered::new(0.0));
        let mut values = [f64::NAN, 0.5, -1.0].map(Ordered::new);
        values.sort();
        assert_eq!(values[0].get(), -1.0);
        assert!(values[2].get().is_nan());
    }
}
