//! Counts of scores by some bits of their keys.

/// Which bits of a key are counted, and of which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digit {
    /// How many bits lie below those counted.
    pub shift: u32,
    /// How many bits are counted, 1 to 16.
    pub bits: u32,
    /// What the bits above those counted must be; none for the highest digit.
    pub prefix: Option<u32>,
}

/// Where a key lies as one digit sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Above all keys of the digit's prefix.
    Above,
    /// In this bin.
    Bin(usize),
    /// Below all keys of the digit's prefix.
    Below,
}

impl Digit {
    /// The highest `bits` bits.
    pub fn highest(bits: u32) -> Self {
        Self {
            shift: 32 - bits,
            bits,
            prefix: None,
        }
    }

    /// How many bins there are.
    pub fn bins(self) -> usize {
        1 << self.bits
    }

    /// Where `key` lies.
    #[inline(always)]
    pub fn place(self, key: u32) -> Place {
        let bin = (key >> self.shift) as usize & (self.bins() - 1);
        let Some(prefix) = self.prefix else {
            return Place::Bin(bin);
        };
        // A prefix leaves at least its own bits above the digit, so the shift is below 32.
        match (key >> (self.shift + self.bits)).cmp(&prefix) {
            std::cmp::Ordering::Greater => Place::Above,
            std::cmp::Ordering::Equal => Place::Bin(bin),
            std::cmp::Ordering::Less => Place::Below,
        }
    }
}

/// Counts of scores by a [`Digit`] of their keys, apart for entries that are kept and pruned now.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Counts of entries that the current mask keeps.
    pub kept: Vec<u64>,
    /// Counts of entries that the current mask drops; all 0 where they may not return.
    pub pruned: Vec<u64>,
    /// For each tensor counted, in order, how many of its entries lie above the digit's prefix.
    pub above: Vec<u64>,
    /// How many scores were NaN; it is enough to count them with the highest digit.
    pub nan: u64,
}

impl Histogram {
    /// Nothing counted yet, for a digit of so many bits.
    pub fn new(bits: u32) -> Self {
        Self {
            kept: vec![0; 1 << bits],
            pruned: vec![0; 1 << bits],
            above: Vec::new(),
            nan: 0,
        }
    }

    /// From the highest bin down, the bin that holds the place number `places`, and how many places
    /// are left for it; none when there are no more entries than places.
    pub fn descend(&self, places: u64) -> Option<(usize, u64)> {
        let mut left = places;
        for bin in (0..self.kept.len()).rev() {
            let count = self.kept[bin] + self.pruned[bin];
            if count > left {
                return Some((bin, left));
            }
            left -= count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_places_keys_above_in_and_below_its_prefix() {
        let digit = Digit {
            shift: 8,
            bits: 8,
            prefix: Some(0x1234),
        };
        assert_eq!(digit.place(0x1234_5678), Place::Bin(0x56));
        assert_eq!(digit.place(0x1235_0000), Place::Above);
        assert_eq!(digit.place(0x1233_ffff), Place::Below);
        assert_eq!(Digit::highest(8).place(0xab00_0000), Place::Bin(0xab));
    }

    // Bins of 2, 3 and 1 entries from the top: places 0 and 1 are in the first, 2 to 4 in the
    // second, 5 in the last, and with 6 places everything stays.
    #[test]
    fn descending_finds_the_bin_of_a_place() {
        let mut counts = Histogram::new(2);
        counts.kept = vec![1, 2, 0, 2];
        counts.pruned = vec![0, 1, 0, 0];
        assert_eq!(counts.descend(0), Some((3, 0)));
        assert_eq!(counts.descend(1), Some((3, 1)));
        assert_eq!(counts.descend(2), Some((1, 0)));
        assert_eq!(counts.descend(4), Some((1, 2)));
        assert_eq!(counts.descend(5), Some((0, 0)));
        assert_eq!(counts.descend(6), None);
    }
}
