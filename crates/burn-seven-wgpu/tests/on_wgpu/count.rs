use burn_seven_kernels::{Digit, Histogram, Kernels, Portable, key_of};
use burn_seven_wgpu::kernels;

use crate::data::{Host, LENGTHS, Loaded, Scores, generator};
use crate::expected;

/// The digits of the kernels, around the key of one score, and some that are not theirs.
fn digits(key: u32) -> Vec<Digit> {
    let mut digits = Vec::new();
    let mut shift = 32;
    for &bits in kernels().digits() {
        let prefix = (shift < 32).then(|| key >> shift);
        shift -= bits;
        digits.push(Digit {
            shift,
            bits,
            prefix,
        });
    }
    let odd = [
        (31, 1, None),
        (20, 4, Some(key >> 24)),
        (0, 12, Some(key >> 12)),
    ];
    digits.extend(odd.map(|(shift, bits, prefix)| Digit {
        shift,
        bits,
        prefix,
    }));
    digits
}

fn assert_counts(hosts: &[Host], digit: Digit) {
    let loaded: Vec<_> = hosts.iter().map(Host::upload).collect();
    let candidates: Vec<_> = loaded.iter().map(Loaded::candidates).collect();
    let mut found = Histogram::new(digit.bits);
    kernels().count(&candidates, digit, &mut found);
    let mut right = Histogram::new(digit.bits);
    for host in hosts {
        expected::count(host, digit, &mut right);
    }
    assert_eq!(found.kept, right.kept, "kept, {digit:?}");
    assert_eq!(found.pruned, right.pruned, "pruned, {digit:?}");
    assert_eq!(found.above, right.above, "above, {digit:?}");
    assert_eq!(found.nan, right.nan, "NaN, {digit:?}");
}

#[test]
fn one_tensor_is_counted_right() {
    let rng = &mut generator(1);
    for scores in Scores::ALL {
        for length in LENGTHS {
            for (regrows, reserved) in [(false, false), (true, false), (false, true), (true, true)]
            {
                let host = Host::draw(scores, length, regrows, reserved, rng);
                let middle = host.scores.get(length / 2).copied().unwrap_or(0.5);
                for digit in digits(key_of(middle)) {
                    assert_counts(std::slice::from_ref(&host), digit);
                }
            }
        }
    }
}

#[test]
fn several_tensors_are_counted_together() {
    let rng = &mut generator(2);
    let shapes = [
        (64, false),
        (0, true),
        (4097, true),
        (7, false),
        (1000, true),
    ];
    let hosts: Vec<_> = shapes
        .into_iter()
        .map(|(length, regrows)| Host::draw(Scores::Few, length, regrows, regrows, rng))
        .collect();
    for digit in digits(key_of(1.0)) {
        assert_counts(&hosts, digit);
    }
}

#[test]
fn a_digit_of_16_bits_is_counted_too() {
    let host = Host::draw(Scores::Odd, 4097, true, true, &mut generator(3));
    assert_counts(std::slice::from_ref(&host), Digit::highest(16));
    let digit = Digit {
        shift: 0,
        bits: 16,
        prefix: Some(key_of(host.scores[9]) >> 16),
    };
    assert_counts(&[host.clone(), host], digit);
}

#[test]
fn counts_are_added_to_those_before() {
    let host = Host::draw(Scores::Spread, 1000, true, false, &mut generator(4));
    let loaded = host.upload();
    let digit = Digit::highest(11);
    let mut twice = Histogram::new(11);
    kernels().count(&[loaded.candidates()], digit, &mut twice);
    Portable.count(&[loaded.candidates()], digit, &mut twice);
    let mut once = Histogram::new(11);
    expected::count(&host, digit, &mut once);
    let doubled = |counts: &[u64]| counts.iter().map(|count| 2 * count).collect::<Vec<_>>();
    assert_eq!(twice.kept, doubled(&once.kept));
    assert_eq!(twice.pruned, doubled(&once.pruned));
    assert_eq!(twice.above, [0, 0]);
}
