//! Laws of mask selection, on random sizes, sparsities and scores with many duplicates, against a
//! plain sort.
#![allow(clippy::unwrap_used)] // a test may fail that way

use std::cmp::Reverse;

use burn::tensor::{Device, Tensor, TensorData};
use burn_seven::internals::Selector;
use burn_seven::{
    Entries, ErkBudget, GlobalBudget, Masks, NofM, Scores, SevenScorerConfig, Sparsity,
    UniformBudget, WeightGrad, WeightGrads,
};
use burn_seven_tests::{cases, devices, last_device};
use proptest::prelude::*;

/// One weight: its shape and its scores.
type Weight = ([usize; 2], Vec<f32>);

fn scores(weights: &[Weight], device: &Device) -> Scores {
    let parts = weights.iter().enumerate().map(|(index, (shape, values))| {
        let data = TensorData::new(values.clone(), [values.len()]);
        (
            format!("w{index}"),
            shape.to_vec(),
            Tensor::from_data(data, device),
        )
    });
    Scores::from_parts(parts).unwrap()
}

/// Few distinct values, signs, zeros of both signs, denormals and infinities among them.
fn score() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => (-3i32..4).prop_map(|value| value as f32 * 0.5),
        1 => prop::sample::select(vec![
            0.0, -0.0, f32::MIN_POSITIVE / 4.0, f32::MAX, f32::INFINITY, f32::NEG_INFINITY,
        ]),
        2 => any::<f32>().prop_filter("a number", |value| !value.is_nan()),
    ]
}

fn weight(rows: std::ops::Range<usize>, group: usize) -> impl Strategy<Value = Weight> {
    (rows, 1usize..7).prop_flat_map(move |(rows, columns)| {
        let shape = [rows * group, columns];
        let values = prop::collection::vec(score(), shape[0] * shape[1]);
        values.prop_map(move |values| (shape, values))
    })
}

fn weights() -> impl Strategy<Value = Vec<Weight>> {
    prop::collection::vec(weight(1..12, 1), 1..5)
}

fn sparsity() -> impl Strategy<Value = Sparsity> {
    prop_oneof![Just(0.0), Just(0.5), Just(0.9), 0.0..0.999]
        .prop_map(|value| Sparsity::new(value).unwrap())
}

fn kept(masks: &Masks) -> Vec<bool> {
    masks.iter().flat_map(|mask| mask.to_vec()).collect()
}

/// The reference: everything concatenated and sorted.
fn by_sorting(scores: &[f32], current: &[bool], keep: usize, regrows: bool) -> Vec<bool> {
    let mut order: Vec<usize> = (0..scores.len())
        .filter(|&i| regrows || current[i])
        .collect();
    let better = |&a: &usize, &b: &usize| {
        let by_score = scores[b].partial_cmp(&scores[a]).unwrap();
        by_score
            .then(Reverse(current[a]).cmp(&Reverse(current[b])))
            .then(a.cmp(&b))
    };
    order.sort_by(better);
    let mut kept = vec![false; scores.len()];
    for &index in order.iter().take(keep) {
        kept[index] = true;
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(200)))]

    #[test]
    fn global_selection_is_what_sorting_gives(
        weights in weights(),
        first in sparsity(),
        second in sparsity(),
        regrows in any::<bool>(),
    ) {
        let all: Vec<f32> = weights.iter().flat_map(|(_, values)| values.clone()).collect();
        let reversed: Vec<Weight> = weights.iter()
            .map(|(shape, values)| (*shape, values.iter().rev().copied().collect()))
            .collect();
        for device in devices() {
            let selector = Selector::new(GlobalBudget, Entries).with_floor(burn_seven::Floor::Entries(0));
            let dense = scores(&weights, &device).dense_masks();
            // First masks by other scores, so that what is dropped has high scores now.
            let current = selector.select(&scores(&reversed, &device), &dense, first, true).unwrap();
            let current = current.masks;
            prop_assert_eq!(current.kept(), first.kept(all.len()));

            let chosen = selector.select(&scores(&weights, &device), &current, second, regrows).unwrap();
            let keep = second.kept(all.len());
            let expected = by_sorting(&all, &kept(&current), keep, regrows);
            prop_assert_eq!(kept(&chosen.masks), expected);
            let count = if regrows { keep } else { keep.min(current.kept()) };
            prop_assert_eq!(chosen.masks.kept(), count);
        }
    }

    #[test]
    fn masks_of_scorers_without_return_only_shrink(
        weights in weights(),
        steps in prop::collection::vec((0.0f64..0.999, any::<u64>()), 1..5),
    ) {
        let device = last_device();
        let selector = Selector::default().with_floor(burn_seven::Floor::Entries(0));
        let mut masks = scores(&weights, &device).dense_masks();
        for (sparsity, seed) in steps {
            let shuffled: Vec<Weight> = weights.iter()
                .map(|(shape, values)| {
                    let mut values = values.clone();
                    let turn = seed as usize % values.len();
                    values.rotate_left(turn);
                    (*shape, values)
                })
                .collect();
            let sparsity = Sparsity::new(sparsity).unwrap();
            let next = selector.select(&scores(&shuffled, &device), &masks, sparsity, false);
            let next = next.unwrap().masks;
            let revived = kept(&masks).iter().zip(kept(&next)).any(|(old, new)| !old && new);
            prop_assert!(!revived);
            masks = next;
        }
    }

    #[test]
    fn uniform_and_erk_counts_are_exact(weights in weights(), sparsity in sparsity()) {
        let device = devices()[0].clone();
        let scores = scores(&weights, &device);
        let dense = scores.dense_masks();

        let uniform = Selector::new(UniformBudget, Entries).with_floor(burn_seven::Floor::Entries(0));
        for mask in uniform.select(&scores, &dense, sparsity, false).unwrap().masks.iter() {
            prop_assert_eq!(mask.kept(), sparsity.kept(mask.total()));
            prop_assert_eq!(mask.kept(), mask.to_vec().iter().filter(|kept| **kept).count());
        }
        let erk = Selector::new(ErkBudget, Entries).with_floor(burn_seven::Floor::Entries(0));
        let chosen = erk.select(&scores, &dense, sparsity, false).unwrap().masks;
        prop_assert_eq!(chosen.kept(), sparsity.kept(chosen.total()));
    }

    #[test]
    fn n_of_m_holds_in_every_group(
        weights in prop::collection::vec(weight(1..4, 4), 1..4),
        n in 1usize..4,
        on_the_way in 0.0f64..1.0,
        regrows in any::<bool>(),
    ) {
        let device = last_device();
        let pattern = NofM::new(n, 4).unwrap();
        let selector = Selector::new(GlobalBudget, pattern).with_floor(burn_seven::Floor::Entries(0));
        let scores = scores(&weights, &device);
        let halfway = Sparsity::new(on_the_way * pattern.sparsity().value()).unwrap();

        let mut masks = scores.dense_masks();
        for sparsity in [halfway, pattern.sparsity()] {
            masks = selector.select(&scores, &masks, sparsity, regrows).unwrap().masks;
            prop_assert_eq!(masks.kept(), sparsity.kept(masks.total()));
            for mask in masks.iter() {
                let [rows, columns] = [mask.shape()[0], mask.shape()[1]];
                let kept = mask.to_vec();
                for row in (0..rows).step_by(4) {
                    for column in 0..columns {
                        let group = (row..row + 4).filter(|row| kept[row * columns + column]);
                        let count = group.count();
                        prop_assert!(count >= n, "{count} of 4");
                        prop_assert!(sparsity == halfway || count == n, "{count} of 4");
                    }
                }
            }
        }
    }

    #[test]
    fn no_weight_falls_below_the_minimum(weights in weights(), min_kept in 1usize..4) {
        let device = devices()[0].clone();
        let scores = scores(&weights, &device);
        let dense = scores.dense_masks();
        let total = dense.total();
        let required: usize = dense.iter().map(|mask| mask.total().min(min_kept)).sum();
        let sparsity = Sparsity::of_counts(required, total).unwrap();
        let selector = Selector::default().with_floor(burn_seven::Floor::Entries(min_kept));
        let chosen = selector.select(&scores, &dense, sparsity, false).unwrap();
        prop_assert_eq!(chosen.masks.kept(), required);
        for mask in chosen.masks.iter() {
            prop_assert_eq!(mask.kept(), mask.total().min(min_kept));
        }
    }
}

// Scores 9 8 7 6 | 1 2: two of six stay, both in the first weight, so the second would be lost. It
// keeps its better one and is reported; the first keeps its best.
#[test]
fn a_layer_about_to_be_lost_is_held_and_named() {
    let device = devices()[0].clone();
    let scores = scores(
        &[([2, 2], vec![9.0, 8.0, 7.0, 6.0]), ([1, 2], vec![1.0, 2.0])],
        &device,
    );
    let sparsity = Sparsity::of_counts(2, 6).unwrap();
    let chosen = Selector::default().select(&scores, &scores.dense_masks(), sparsity, false);
    let chosen = chosen.unwrap();
    assert_eq!(
        kept(&chosen.masks),
        [true, false, false, false, false, true]
    );
    assert_eq!(chosen.held, ["w1"]);
}

// Two weights of two entries each have to keep one each, and only one may stay.
#[test]
fn minimums_without_room_are_an_error() {
    let device = devices()[0].clone();
    let scores = scores(
        &[([1, 2], vec![1.0, 2.0]), ([1, 2], vec![3.0, 4.0])],
        &device,
    );
    let sparsity = Sparsity::new(0.75).unwrap();
    let error = Selector::default().select(&scores, &scores.dense_masks(), sparsity, false);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the floor asks for 2 entries in all, but only 1 may stay"
    );
}

#[test]
fn a_million_equal_scores_are_cut_exactly_by_index() {
    for device in devices() {
        let scores = scores(
            &[
                ([1000, 500], vec![1.0; 500_000]),
                ([1000, 500], vec![1.0; 500_000]),
            ],
            &device,
        );
        let sparsity = Sparsity::new(0.3).unwrap();
        let chosen = Selector::default().select(&scores, &scores.dense_masks(), sparsity, false);
        let kept = kept(&chosen.unwrap().masks);
        assert!(kept[..700_000].iter().all(|kept| *kept));
        assert!(!kept[700_000..].iter().any(|kept| *kept));
    }
}

#[test]
fn a_nan_score_is_an_error_with_the_weights_path() {
    let device = devices()[0].clone();
    let scores = scores(
        &[([1, 2], vec![1.0, 2.0]), ([1, 2], vec![1.0, f32::NAN])],
        &device,
    );
    let dense = scores.dense_masks();
    let sparsity = Sparsity::new(0.5).unwrap();
    let error = Selector::default()
        .select(&scores, &dense, sparsity, false)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the score of weight w1 holds a NaN or infinite value"
    );
}

/// Masks are found by their weight's path, whatever their order, and more of them than there are
/// scores do no harm.
#[test]
fn masks_are_found_by_path() {
    for device in devices() {
        let named = |path: &str, values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [values.len()]);
            (
                path.to_string(),
                vec![values.len()],
                Tensor::from_data(data, &device),
            )
        };
        let a = named("a", &[4.0, 3.0, 2.0, 1.0]);
        let b = named("b", &[1.0, 9.0]);
        let c = named("c", &[7.0]);
        let of = |parts: Vec<(String, Vec<usize>, Tensor<1>)>| Scores::from_parts(parts).unwrap();
        let selector = Selector::default().with_floor(burn_seven::Floor::Entries(0));
        let half = Sparsity::new(0.5).unwrap();
        // Of a's and b's six the best three stay: 9, 4 and 3.
        let forth = of(vec![a.clone(), b.clone()]);
        let first = selector
            .select(&forth, &forth.dense_masks(), half, false)
            .unwrap()
            .masks;
        assert_eq!(kept(&first), [true, true, false, false, false, true]);
        // Of those three, by scores in the other order, one goes: floor(0.25 * 6) = 1 stays.
        let back = of(vec![b.clone(), a.clone()]);
        let quarter = Sparsity::new(0.75).unwrap();
        let second = selector
            .select(&back, &first, quarter, false)
            .unwrap()
            .masks;
        assert_eq!(kept(&second), [false, true, false, false, false, false]);
        // Masks of one weight more.
        let all = of(vec![c, a.clone(), b.clone()]);
        let dense = all.dense_masks();
        let third = selector.select(&forth, &dense, half, false).unwrap().masks;
        assert_eq!(kept(&third), kept(&first));
    }
}

/// A tally of a model of the same names but other shapes counts nothing, and lines drawn for other
/// scores are refused.
#[test]
fn tallies_and_lines_of_another_model_do_no_harm() {
    let device = last_device();
    let part = |path: &str, values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [values.len()]);
        let tensor = Tensor::<1>::from_data(data, &device);
        (path.to_string(), vec![values.len()], tensor)
    };
    let half = Sparsity::new(0.5).unwrap();
    let selector = Selector::default();
    let short = Scores::from_parts([part("w", &[1.0, 2.0])]).unwrap();
    let pruned = selector.select(&short, &short.dense_masks(), half, false);
    let mut tally = selector.tally(&pruned.unwrap().masks, half, false).unwrap();

    let values = [4.0, 3.0, 2.0, 1.0];
    let (path, _, weight) = part("w", &values);
    let entry = WeightGrad::new(path, weight.clone(), Some(weight)).unwrap();
    let mut scorer = SevenScorerConfig::new().init();
    let grads = WeightGrads::from_entries(vec![entry]);
    scorer.update_counting(&grads, Some(&mut tally)).unwrap();
    let scores = scorer.scores();
    let dense = scores.dense_masks();
    let thresholds = selector
        .thresholds(&scores, &dense, half, false, Some(tally))
        .unwrap();

    let more = Scores::from_parts([part("a", &[1.0]), part("w", &values)]).unwrap();
    assert!(thresholds.clone().write(&short, dense.clone()).is_err());
    assert!(thresholds.clone().write(&more, more.dense_masks()).is_err());
    assert!(
        thresholds
            .clone()
            .write(&Scores::default(), Masks::default())
            .is_err()
    );
    let chosen = thresholds.write(&scores, dense).unwrap().masks;
    assert_eq!(kept(&chosen), [true, true, false, false]);
}
