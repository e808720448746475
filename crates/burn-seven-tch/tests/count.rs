//! Counts of libtorch's kernels against the portable ones.

mod common;

use burn_seven_kernels::{Candidates, Digit, Histogram, Kernels, Portable, key_of};
use burn_seven_tch::kernels;
use common::{Case, Random, cases, flags, floats};

fn assert_same(candidates: &[Candidates<'_>], digit: Digit, name: &str) {
    let count = |kernels: &dyn Kernels| {
        let mut counts = Histogram::new(digit.bits);
        // What is there already stays.
        counts.kept[0] = 5;
        counts.above.push(7);
        kernels.count(candidates, digit, &mut counts);
        counts
    };
    let (found, expected) = (count(kernels()), count(&Portable));
    assert!(found.kept == expected.kept, "kept of {name} by {digit:?}");
    assert!(
        found.pruned == expected.pruned,
        "pruned of {name} by {digit:?}"
    );
    assert_eq!(found.above, expected.above, "above of {name} by {digit:?}");
    assert_eq!(found.nan, expected.nan, "NaN of {name} by {digit:?}");
}

/// All digits of one way to cut up a key.
fn digits(key: u32, parts: &[u32]) -> Vec<Digit> {
    let mut shift = 32;
    let mut prefix = None;
    let mut digits = Vec::new();
    for &bits in parts {
        shift -= bits;
        digits.push(Digit {
            shift,
            bits,
            prefix,
        });
        prefix = Some(key >> shift);
    }
    digits
}

#[test]
fn counts_are_those_of_the_portable_path() {
    for case in cases() {
        let key = key_of(case.scores[case.scores.len() / 2]);
        for parts in [&[16, 16][..], &[12, 10, 10]] {
            for digit in digits(key, parts) {
                assert_same(&[case.candidates()], digit, &case.name);
            }
        }
    }
}

#[test]
fn tensors_are_counted_together() {
    let cases = cases();
    let some: Vec<_> = cases.iter().step_by(17).collect();
    let candidates: Vec<_> = some.iter().map(|case| case.candidates()).collect();
    for digit in digits(key_of(0.25), &[16, 16]) {
        assert_same(&candidates, digit, "many tensors");
    }
    assert_same(&[], Digit::highest(16), "no tensor");
}

#[test]
fn nan_scores_are_counted_where_they_are_candidates() {
    for regrows in [false, true] {
        let mut random = Random(2);
        for count in [1, 64, 100_003] {
            let mut scores = random.floats(count);
            for index in (0..count).step_by(3) {
                scores[index] = f32::NAN.copysign(random.float());
            }
            let (pruned, reserved) = (random.flags(count), random.flags(count));
            let case = Case::new("NaN", scores, pruned, regrows, Some(reserved));
            for digit in digits(key_of(0.5), &[16, 16]) {
                assert_same(&[case.candidates()], digit, &case.name);
            }
        }
    }
}

#[test]
fn empty_tensors_count_as_nothing() {
    let case = Case::new("empty", Vec::new(), Vec::new(), false, None);
    assert_same(&[case.candidates()], Digit::highest(16), &case.name);
}

#[test]
fn views_are_counted_as_they_are_seen() {
    let mut random = Random(3);
    let scores = floats(&random.floats(9000)).reshape([90, 100]);
    let pruned = flags(&random.flags(9000)).reshape([90, 100]);
    let candidates = |scores, pruned| Candidates {
        scores,
        pruned,
        regrows: false,
        reserved: None,
    };
    // A column: its entries are not next to each other.
    let column = scores.clone().slice([0..90, 3..4]).reshape([90]);
    let of_column = pruned.clone().slice([0..90, 3..4]).reshape([90]);
    assert_same(
        &[candidates(&column, &of_column)],
        Digit::highest(16),
        "a column",
    );
    let turned = scores.swap_dims(0, 1).reshape([9000]);
    let of_turned = pruned.swap_dims(0, 1).reshape([9000]);
    assert_same(
        &[candidates(&turned, &of_turned)],
        Digit::highest(16),
        "turned",
    );
}

#[test]
fn scores_of_another_type_go_by_the_portable_path() {
    let mut random = Random(4);
    let case = Case::new(
        "float64",
        random.floats(100),
        random.flags(100),
        false,
        None,
    );
    let wide = case.tensor.clone().cast(burn::tensor::FloatDType::F64);
    let candidates = Candidates {
        scores: &wide,
        ..case.candidates()
    };
    let all = [case.candidates(), candidates, case.candidates()];
    assert_same(&all, Digit::highest(16), "float64 among others");
}
