//! What the kernels should give, in plain Rust.

use std::cmp::Ordering;

use burn_seven_kernels::{Digit, Histogram, Threshold, Ties, key_of};

use crate::data::Host;

/// Adds one tensor's candidates.
pub fn count(host: &Host, digit: Digit, counts: &mut Histogram) {
    let mut above = 0;
    for (index, &score) in host.scores.iter().enumerate() {
        let reserved = host
            .reserved
            .as_ref()
            .is_some_and(|reserved| reserved[index]);
        if reserved || (host.pruned[index] && !host.regrows) {
            continue;
        }
        if score.is_nan() {
            counts.nan += 1;
            continue;
        }
        let key = key_of(score);
        let bin = (key >> digit.shift) as usize % digit.bins();
        let order = match digit.prefix {
            Some(prefix) => (key >> (digit.shift + digit.bits)).cmp(&prefix),
            None => Ordering::Equal,
        };
        match order {
            Ordering::Greater => above += 1,
            Ordering::Equal if host.pruned[index] => counts.pruned[bin] += 1,
            Ordering::Equal => counts.kept[bin] += 1,
            Ordering::Less => {}
        }
    }
    counts.above.push(above);
}

/// One tensor's new mask.
pub fn write(host: &Host, threshold: &mut Threshold) -> Vec<bool> {
    let stays = |(index, &score): (usize, &f32)| {
        let was_dropped = host.pruned[index];
        if host
            .reserved
            .as_ref()
            .is_some_and(|reserved| reserved[index])
        {
            return true;
        }
        if was_dropped && !host.regrows {
            return false;
        }
        let take = |ties: &mut Ties| match ties {
            Ties::All => true,
            Ties::First(0) => false,
            Ties::First(left) => {
                *left -= 1;
                true
            }
        };
        match key_of(score).cmp(&threshold.key) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if was_dropped => take(&mut threshold.pruned),
            Ordering::Equal => take(&mut threshold.kept),
        }
    };
    host.scores
        .iter()
        .enumerate()
        .map(stays)
        .map(|stays| !stays)
        .collect()
}
