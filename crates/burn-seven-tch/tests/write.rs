//! Masks of libtorch's kernels against the portable ones, and against a plain sort.

mod common;

use burn_seven_kernels::{Digit, Histogram, Kernels, Portable, Rewrite, Threshold, Ties, key_of};
use burn_seven_tch::kernels;
use common::{Case, Random, address_of_flags, cases, flags, scores, to_flags};

fn write(
    kernels: &dyn Kernels,
    cases: &[&Case],
    threshold: Threshold,
) -> (Vec<(Vec<bool>, u64)>, Threshold) {
    let written = kernels.write(cases.iter().map(|case| case.rewrite()).collect(), threshold);
    let masks = written.masks.iter();
    (
        masks.map(|(mask, kept)| (to_flags(mask), *kept)).collect(),
        written.rest,
    )
}

fn assert_same(cases: &[&Case], threshold: Threshold) {
    let (found, rest) = write(kernels(), cases, threshold);
    let (expected, expected_rest) = write(&Portable, cases, threshold);
    for ((case, found), expected) in cases.iter().zip(found).zip(expected) {
        assert!(
            found.0 == expected.0,
            "mask of {} by {threshold:?}",
            case.name
        );
        assert_eq!(
            found.1, expected.1,
            "kept of {} by {threshold:?}",
            case.name
        );
    }
    assert_eq!(rest, expected_rest, "ties left by {threshold:?}");
}

fn ties_of(count: u64) -> [Ties; 5] {
    [
        Ties::All,
        Ties::First(0),
        Ties::First(1),
        Ties::First(count / 3),
        Ties::First(count + 1),
    ]
}

#[test]
fn masks_are_those_of_the_portable_path() {
    for case in cases() {
        let count = case.scores.len();
        let key = key_of(case.scores[count / 2]);
        for kept in ties_of(count as u64) {
            assert_same(
                &[&case],
                Threshold {
                    key,
                    kept,
                    pruned: Ties::First(0),
                },
            );
        }
        for pruned in ties_of(count as u64) {
            assert_same(
                &[&case],
                Threshold {
                    key,
                    kept: Ties::All,
                    pruned,
                },
            );
        }
    }
}

#[test]
fn ties_run_over_tensors() {
    let cases = cases();
    let equal: Vec<_> = cases
        .iter()
        .filter(|case| case.name.starts_with("all equal"))
        .collect();
    let total: usize = equal.iter().map(|case| case.scores.len()).sum();
    for kept in ties_of(total as u64) {
        for pruned in ties_of(total as u64) {
            assert_same(
                &equal,
                Threshold {
                    key: key_of(0.25),
                    kept,
                    pruned,
                },
            );
        }
    }
}

#[test]
fn below_every_score_all_candidates_stay() {
    for case in cases().iter().step_by(5) {
        assert_same(&[case], Threshold::NONE);
    }
    let empty = Case::new("empty", Vec::new(), Vec::new(), true, None);
    assert_same(&[&empty], Threshold::NONE);
    assert_same(&[], Threshold::NONE);
}

/// The line above which the best `keep` lie, by counting a digit at a time.
fn line(cases: &[Case], keep: u64) -> Threshold {
    let candidates: Vec<_> = cases.iter().map(Case::candidates).collect();
    let (mut shift, mut prefix, mut left) = (32, None, keep);
    loop {
        let bits = kernels().digits()[usize::from(prefix.is_some())];
        shift -= bits;
        let mut counts = Histogram::new(bits);
        let digit = Digit {
            shift,
            bits,
            prefix,
        };
        kernels().count(&candidates, digit, &mut counts);
        let Some((bin, rest)) = counts.descend(left) else {
            return Threshold::NONE;
        };
        left = rest;
        let key = (prefix.unwrap_or(0) << bits) | bin as u32;
        prefix = Some(key);
        if shift == 0 {
            let kept = left.min(counts.kept[bin]);
            return Threshold {
                key,
                kept: Ties::of(kept, counts.kept[bin]),
                pruned: Ties::of(left - kept, counts.pruned[bin]),
            };
        }
    }
}

/// The same by a sort: score, then what is kept now, then order.
fn sorted(cases: &[Case], keep: usize) -> Vec<Vec<bool>> {
    let mut entries = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        for index in 0..case.scores.len() {
            if case.regrows || !case.pruned[index] {
                let key = std::cmp::Reverse(key_of(case.scores[index]));
                entries.push((key, case.pruned[index], place, index));
            }
        }
    }
    entries.sort_unstable();
    let mut masks: Vec<_> = cases
        .iter()
        .map(|case| vec![true; case.scores.len()])
        .collect();
    for (_, _, place, index) in entries.into_iter().take(keep) {
        masks[place][index] = false;
    }
    masks
}

#[test]
fn selection_is_exact() {
    let mut random = Random(5);
    let sizes = [100_003, 1, 4097];
    let kinds = scores(&mut random, 1).len();
    for kind in 0..kinds {
        for regrows in [false, true] {
            let cases: Vec<Case> = sizes
                .iter()
                .map(|&count| {
                    let (name, values) = scores(&mut random, count).swap_remove(kind);
                    let pruned = random.flags(count);
                    Case::new(name, values, pruned, regrows, None)
                })
                .collect();
            for keep in [0, 1, 100, 20_000, 104_101] {
                let expected = sorted(&cases, keep);
                let threshold = line(&cases, keep as u64);
                let (found, _) = write(kernels(), &cases.iter().collect::<Vec<_>>(), threshold);
                for ((found, expected), case) in found.iter().zip(&expected).zip(&cases) {
                    assert!(found.0 == *expected, "best {keep} of {}", case.name);
                    let kept = expected.iter().filter(|pruned| !**pruned).count();
                    assert_eq!(found.1, kept as u64, "best {keep} of {}", case.name);
                }
            }
        }
    }
}

#[test]
fn a_mask_that_no_one_else_holds_is_written_over() {
    let case = Case::new("own", vec![1.0, 2.0, 3.0], vec![false; 3], false, None);
    let rewrite = case.rewrite();
    let before = address_of_flags(&rewrite.pruned);
    let threshold = Threshold {
        key: key_of(2.0),
        ..Threshold::NONE
    };
    let written = kernels().write(vec![rewrite], threshold);
    assert_eq!(address_of_flags(&written.masks[0].0), before);
    assert_eq!(to_flags(&written.masks[0].0), [true, false, false]);
}

#[test]
fn a_mask_that_someone_holds_stays_as_it_is() {
    let case = Case::new("held", vec![1.0, 2.0, 3.0], vec![false; 3], false, None);
    let mask = flags(&[false; 3]);
    let views = [mask.clone(), mask.clone().reshape([3, 1]).reshape([3])];
    let rewrite = Rewrite {
        pruned: mask,
        ..case.rewrite()
    };
    let threshold = Threshold {
        key: key_of(2.0),
        ..Threshold::NONE
    };
    let written = kernels().write(vec![rewrite], threshold);
    assert_eq!(to_flags(&written.masks[0].0), [true, false, false]);
    for view in views {
        assert_eq!(to_flags(&view), [false; 3]);
    }
}

#[test]
fn views_are_written_as_they_are_seen() {
    let mut random = Random(6);
    let case = Case::new("view", random.floats(90), random.flags(90), true, None);
    // The mask as a column of a larger one, which is kept.
    let spread: Vec<bool> = case
        .pruned
        .iter()
        .flat_map(|&pruned| [pruned, true])
        .collect();
    let all = flags(&spread).reshape([90, 2]);
    let column = all.clone().slice([0..90, 0..1]).reshape([90]);
    let rewrite = Rewrite {
        pruned: column,
        ..case.rewrite()
    };
    let threshold = Threshold {
        key: key_of(case.scores[40]),
        kept: Ties::All,
        pruned: Ties::First(0),
    };
    let found = kernels().write(vec![rewrite], threshold);
    let (expected, _) = write(&Portable, &[&case], threshold);
    assert_eq!(to_flags(&found.masks[0].0), expected[0].0);
    assert_eq!(to_flags(&all.reshape([180])), spread);
}
