//! A whole selection, digit by digit.

use burn_seven_kernels::{Digit, Histogram, Kernels, Portable, Threshold, Ties, key_of};
use burn_seven_wgpu::kernels;

use crate::data::{Host, Loaded, Scores, generator, read_bools};

/// Keeps so many candidates of all tensors together; ties go to entries that are kept now.
fn select(kernels: &dyn Kernels, loaded: &[Loaded], places: u64) -> Vec<Vec<bool>> {
    let candidates: Vec<_> = loaded.iter().map(Loaded::candidates).collect();
    let (mut shift, mut prefix, mut left) = (32, None, places);
    let mut last = (0, 0);
    for &bits in kernels.digits() {
        shift -= bits;
        let digit = Digit {
            shift,
            bits,
            prefix,
        };
        let mut counts = Histogram::new(bits);
        kernels.count(&candidates, digit, &mut counts);
        let (bin, rest) = counts
            .descend(left)
            .expect("there should be fewer places than entries");
        prefix = Some(prefix.unwrap_or(0) << bits | bin as u32);
        left = rest;
        last = (counts.kept[bin], counts.pruned[bin]);
    }
    let kept = left.min(last.0);
    let threshold = Threshold {
        key: prefix.expect("the digits should be all bits"),
        kept: Ties::of(kept, last.0),
        pruned: Ties::of(left - kept, last.1),
    };
    let written = kernels.write(loaded.iter().map(Loaded::rewrite).collect(), threshold);
    written
        .masks
        .iter()
        .map(|(mask, _)| read_bools(mask))
        .collect()
}

/// The same by sorting.
fn sorted(hosts: &[Host], places: usize) -> Vec<Vec<bool>> {
    let mut open = Vec::new();
    for (tensor, host) in hosts.iter().enumerate() {
        for (index, &score) in host.scores.iter().enumerate() {
            if host.regrows || !host.pruned[index] {
                let key = std::cmp::Reverse(key_of(score));
                open.push((key, host.pruned[index], tensor, index));
            }
        }
    }
    open.sort();
    let mut masks: Vec<_> = hosts
        .iter()
        .map(|host| vec![true; host.scores.len()])
        .collect();
    for (_, _, tensor, index) in open.into_iter().take(places) {
        masks[tensor][index] = false;
    }
    masks
}

#[test]
fn a_selection_is_exact() {
    let rng = &mut generator(21);
    for scores in [
        Scores::Spread,
        Scores::Equal,
        Scores::Zeros,
        Scores::Denormal,
        Scores::Few,
    ] {
        for regrows in [false, true] {
            let hosts: Vec<_> = [1000, 1, 4097, 0, 30_001]
                .map(|length| Host::draw(scores, length, regrows, false, rng))
                .into();
            let loaded: Vec<_> = hosts.iter().map(Host::upload).collect();
            for places in [0, 1, 777, 12_345, 20_000] {
                let right = sorted(&hosts, places);
                let here = select(kernels(), &loaded, places as u64);
                assert!(here == right, "{places} of {scores:?}, regrows: {regrows}");
                let portable = select(&Portable, &loaded, places as u64);
                assert!(portable == right, "portable, {places} of {scores:?}");
            }
        }
    }
}
