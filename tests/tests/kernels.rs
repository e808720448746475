//! Every backend's kernels against the portable path on the same device, and against plain Rust in
//! float64 or by sorting.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::tensor::{Bool, DType, Device, FloatDType, Tensor, TensorData};
use burn_seven::internals::Selector;
use burn_seven::kernels::{self, Candidates, Digit, Histogram, Portable, key_of};
use burn_seven::scorer::{Scorer, Seven, SevenMoment, SevenState};
use burn_seven::{Masks, Sample, Scores, SevenScorerConfig, Sparsity, WeightGrad, WeightGrads};
use burn_seven_tests::{cases, devices};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Sizes around what kernels split work by.
const SIZES: [usize; 9] = [1, 2, 7, 64, 255, 1000, 4097, 32_769, 100_003];

/// What values are like.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Normal,
    /// Each of another magnitude, from 1e-18 to 1e18: squares stay in float32's range.
    Wide,
    AllEqual,
    Zeros,
    /// Half of them zero, of both signs.
    Sparse,
    Denormal,
}

const KINDS: [Kind; 6] = [
    Kind::Normal,
    Kind::Wide,
    Kind::AllEqual,
    Kind::Zeros,
    Kind::Sparse,
    Kind::Denormal,
];

fn values(kind: Kind, count: usize, rng: &mut StdRng) -> Vec<f32> {
    let mut signed = || rng.random::<f32>() * 2.0 - 1.0;
    let mut value = |index: usize| match kind {
        Kind::Normal => signed() * 0.1,
        Kind::Wide => signed() * 10f32.powi((signed() * 18.0) as i32),
        Kind::AllEqual => -0.25,
        Kind::Zeros => 0.0,
        Kind::Sparse if index.is_multiple_of(4) => 0.0,
        Kind::Sparse if index.is_multiple_of(2) => -0.0,
        Kind::Sparse => signed(),
        Kind::Denormal => signed() * f32::MIN_POSITIVE,
    };
    (0..count).map(&mut value).collect()
}

fn floats(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn flags(values: &[bool], device: &Device) -> Tensor<1, Bool> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn to_vec(tensor: &Tensor<1>) -> Vec<f32> {
    tensor.clone().try_into_vec_as::<f32>().unwrap()
}

/// SEVEN in float64, one entry.
#[derive(Clone, Copy, Default)]
struct Reference {
    m: f64,
    v: f64,
    score: f64,
}

impl Reference {
    fn update(&mut self, config: &SevenScorerConfig, t: i32, w: f64, g: f64) {
        let (alpha_1, alpha_2) = (config.alpha_1, config.alpha_2);
        let first = match config.moment {
            SevenMoment::Absolute => g.abs(),
            SevenMoment::Signed => g,
        };
        self.m = alpha_1 * self.m + (1.0 - alpha_1) * first;
        self.v = alpha_2 * self.v + (1.0 - alpha_2) * g * g;
        let m_hat = self.m / (1.0 - alpha_1.powi(t + 1));
        let v_hat = self.v / (1.0 - alpha_2.powi(t + 1));
        self.score += (w * g.abs() * m_hat / (v_hat.sqrt() + config.epsilon)).abs();
    }
}

/// Scores to 1e-5, and below the least normal number, which some devices take for 0, absolutely.
fn assert_close(actual: &[f32], expected: &[f64], what: &str) {
    assert_eq!(actual.len(), expected.len());
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(actual) - expected).abs();
        let allowed = 1e-5 * expected.abs() + 4.0 * f64::from(f32::MIN_POSITIVE);
        assert!(
            error <= allowed,
            "{what}, entry {index}: {actual} is not {expected}"
        );
    }
}

/// A scorer's state, by the device's kernels and by the portable path.
struct Pair {
    scorer: Seven,
    ours: Option<SevenState>,
    portable: Option<SevenState>,
}

impl Pair {
    fn step(&mut self, weight: &Tensor<1>, grad: &Tensor<1>) -> bool {
        let entry = WeightGrad::new("w", weight.clone(), Some(grad.clone())).unwrap();
        let kernels = kernels::at(&weight.device());
        let mut counts = Histogram::new(kernels.digits()[0]);
        let sample = Sample::new(&entry, 0, kernels, Some(&mut counts));
        let ours = self.scorer.update(self.ours.take(), &sample);
        let counted = sample.was_counted();
        let sample = Sample::new(&entry, 0, &Portable, None);
        let portable = self.scorer.update(self.portable.take(), &sample);
        if counted {
            let digit = Digit::highest(kernels.digits()[0]);
            let mut expected = vec![0; digit.bins()];
            for score in to_vec(&ours.score) {
                expected[(key_of(score) >> digit.shift) as usize] += 1;
            }
            assert_eq!(counts.kept, expected);
            assert_eq!((counts.nan, counts.pruned.iter().sum::<u64>()), (0, 0));
        }
        (self.ours, self.portable) = (Some(ours), Some(portable));
        counted
    }
}

#[test]
fn updates_are_those_of_the_portable_path_and_of_float64() {
    for device in devices() {
        for kind in KINDS {
            for (size, moment) in SIZES.into_iter().zip(
                [SevenMoment::Absolute, SevenMoment::Signed]
                    .into_iter()
                    .cycle(),
            ) {
                let config = SevenScorerConfig::new().with_moment(moment);
                let mut rng = StdRng::seed_from_u64(size as u64);
                let mut pair = Pair {
                    scorer: config.build(),
                    ours: None,
                    portable: None,
                };
                let mut reference = vec![Reference::default(); size];
                let weight = values(kind, size, &mut rng);
                for t in 0..4 {
                    let grad = values(kind, size, &mut rng);
                    pair.step(&floats(&weight, &device), &floats(&grad, &device));
                    for ((reference, w), g) in reference.iter_mut().zip(&weight).zip(&grad) {
                        reference.update(&config, t, f64::from(*w), f64::from(*g));
                    }
                }
                let what = format!("{kind:?}, {size} entries, {device:?}");
                let (ours, portable) = (pair.ours.unwrap(), pair.portable.unwrap());
                let ours = [&ours.moment_1, &ours.moment_2, &ours.score].map(to_vec);
                let portable = [&portable.moment_1, &portable.moment_2, &portable.score];
                for (ours, portable) in ours.iter().zip(portable.map(to_vec)) {
                    let portable: Vec<f64> = portable.into_iter().map(f64::from).collect();
                    assert_close(
                        ours,
                        &portable,
                        &format!("beside the portable path, {what}"),
                    );
                }
                let scores: Vec<f64> = reference.iter().map(|entry| entry.score).collect();
                // The signed mean cancels: there the error is relative to what cancels.
                if config.moment == SevenMoment::Absolute {
                    assert_close(&ours[2], &scores, &format!("beside float64, {what}"));
                }
            }
        }
    }
}

/// No device falls to the portable path: neither by its name nor in what it can do.
#[test]
fn every_backend_has_kernels_of_its_own() {
    for device in devices() {
        let name = kernels::at(&device).name();
        let text = format!("{device:?}");
        let expected = match text.as_str() {
            _ if text.contains("NdArray") => "ndarray",
            _ if text.contains("Flex") => "flex",
            _ if text.contains("LibTorch") => "tch",
            _ => "cubecl",
        };
        assert_eq!(name, expected, "{text}");
        let weight = floats(&[1.0, -2.0, 3.0], &device);
        let mut pair = Pair {
            scorer: SevenScorerConfig::new().build(),
            ours: None,
            portable: None,
        };
        let counted = pair.step(&weight, &weight);
        // On a CPU the scores are counted in the same pass.
        assert_eq!(counted, ["ndarray", "flex"].contains(&name), "{text}");
    }
}

/// Where a² overflows, scores may be 0 but never NaN, on every path alike.
#[test]
fn gradients_whose_squares_overflow_make_no_nan() {
    for device in devices() {
        let large = floats(&[1e30, -1e30, f32::MAX, 0.0], &device);
        let mut pair = Pair {
            scorer: SevenScorerConfig::new().build(),
            ours: None,
            portable: None,
        };
        for _ in 0..8 {
            pair.step(&large, &large);
        }
        pair.step(&large, &large.zeros_like());
        let [ours, portable] =
            [pair.ours, pair.portable].map(|state| to_vec(&state.unwrap().score));
        assert!(ours.iter().all(|score| !score.is_nan()), "{ours:?}");
        assert_eq!(ours[..3], portable[..3], "{device:?}");
    }
}

/// A state that someone else holds stays as it was: the update then works on a copy.
#[test]
fn an_update_leaves_clones_of_the_state_alone() {
    for device in devices() {
        let weight = floats(&[1.0, -2.0, 3.0], &device);
        let mut pair = Pair {
            scorer: SevenScorerConfig::new().build(),
            ours: None,
            portable: None,
        };
        pair.step(&weight, &weight);
        let snapshot = pair.ours.clone().unwrap();
        let before = to_vec(&snapshot.score);
        pair.step(&weight, &weight);
        assert_eq!(to_vec(&snapshot.score), before, "{device:?}");
        assert_ne!(to_vec(&pair.ours.unwrap().score), before, "{device:?}");
    }
}

/// Weights and gradients of half precision are scored as the float32 values that they are.
#[test]
fn half_precision_is_scored_in_float32() {
    for device in devices() {
        for dtype in [FloatDType::F16, FloatDType::BF16] {
            if !device.supports_dtype(dtype) {
                eprintln!("{device:?} has no {dtype:?}");
                continue;
            }
            let mut rng = StdRng::seed_from_u64(3);
            let mut half = || {
                let values = values(Kind::Normal, 5000, &mut rng);
                floats(&values, &device).reshape([50, 100]).cast(dtype)
            };
            let (weight, grad) = (half(), half());
            let wide = |tensor: &Tensor<2>| tensor.clone().cast(FloatDType::F32);
            let [ours, expected] = [(weight.clone(), grad.clone()), (wide(&weight), wide(&grad))]
                .map(|(weight, grad)| {
                    let entry = WeightGrad::new("w", weight, Some(grad)).unwrap();
                    let mut scorer = SevenScorerConfig::new().init();
                    scorer
                        .update(&WeightGrads::from_entries(vec![entry]))
                        .unwrap();
                    let scores = scorer.scores();
                    let score = scores.iter().next().unwrap().value().clone();
                    assert_eq!(score.dtype(), DType::F32);
                    to_vec(&score)
                });
            assert_eq!(ours, expected, "{dtype:?} on {device:?}");
        }
    }
}

/// Matrices that lie column by column, or are parts of others, are taken by their own values.
#[test]
fn views_are_scored_by_their_own_values() {
    for device in devices() {
        for [rows, width] in [[1, 7], [7, 1], [33, 65], [300, 130]] {
            let mut rng = StdRng::seed_from_u64(4);
            let mut matrix = |rows: usize, width: usize| {
                let values = values(Kind::Normal, rows * width, &mut rng);
                floats(&values, &device).reshape([rows, width])
            };
            let (whole, other) = (matrix(rows + 2, width + 3), matrix(width, rows));
            let weight = whole.slice([1..rows + 1, 2..width + 2]);
            let grad = other.transpose();
            let plain = |matrix: &Tensor<2>| {
                let values = matrix.clone().try_into_vec_as::<f32>().unwrap();
                floats(&values, &device).reshape([rows, width])
            };
            let [ours, expected] = [
                (weight.clone(), grad.clone()),
                (plain(&weight), plain(&grad)),
            ]
            .map(|(weight, grad)| {
                let entry = WeightGrad::new("w", weight, Some(grad)).unwrap();
                let mut scorer = SevenScorerConfig::new().init();
                scorer
                    .update(&WeightGrads::from_entries(vec![entry]))
                    .unwrap();
                to_vec(scorer.scores().iter().next().unwrap().value())
            });
            assert_eq!(ours, expected, "{rows} x {width} on {device:?}");
            let nan = grad.mask_fill(plain(&weight).equal_scalar(0.0).bool_not(), f32::NAN);
            let entry = WeightGrad::new("w", weight, Some(nan)).unwrap();
            let failed = SevenScorerConfig::new()
                .init()
                .update(&WeightGrads::from_entries(vec![entry]));
            assert!(failed.is_err(), "{rows} x {width} on {device:?}");
        }
    }
}

fn scores_of(weights: &[Vec<f32>], device: &Device) -> Scores {
    let part = |(index, values): (usize, &Vec<f32>)| {
        (
            format!("w{index}"),
            vec![values.len()],
            floats(values, device),
        )
    };
    Scores::from_parts(weights.iter().enumerate().map(part)).unwrap()
}

fn kept(masks: &Masks) -> Vec<bool> {
    masks.iter().flat_map(|mask| mask.to_vec()).collect()
}

/// The reference: everything concatenated and sorted, ties by order.
fn by_sorting(weights: &[Vec<f32>], keep: usize) -> Vec<bool> {
    let scores: Vec<f32> = weights.concat();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap().then(a.cmp(&b)));
    let mut kept = vec![false; scores.len()];
    for &index in &order[..keep] {
        kept[index] = true;
    }
    kept
}

#[test]
fn selection_is_that_of_sorting_at_every_size() {
    for device in devices() {
        for kind in KINDS {
            let mut rng = StdRng::seed_from_u64(5);
            let weights: Vec<Vec<f32>> = SIZES
                .iter()
                .map(|&size| values(kind, size, &mut rng))
                .collect();
            let scores = scores_of(&weights, &device);
            let dense = scores.dense_masks();
            for share in [0.1, 0.5, 0.999] {
                let sparsity = Sparsity::new(share).unwrap();
                let selector = Selector::default().with_floor(burn_seven::Floor::Entries(0));
                let chosen = selector.select(&scores, &dense, sparsity, false).unwrap();
                let total: usize = SIZES.iter().sum();
                let expected = by_sorting(&weights, sparsity.kept(total));
                let same = kept(&chosen.masks) == expected;
                assert!(same, "{kind:?} at {share} on {device:?}");
                let counted = chosen.masks.kept();
                assert_eq!(counted, sparsity.kept(total), "{kind:?} on {device:?}");
                assert_eq!(dense.kept(), total, "the masks given are not written over");
                assert!(kept(&dense).into_iter().all(|kept| kept));
            }
        }
    }
}

/// Three million equal scores in two tensors: the first so many stay.
#[test]
fn the_threshold_is_exact_among_millions_of_equal_scores() {
    for device in devices() {
        let weights = [vec![0.5f32; 2_000_000], vec![0.5; 1_000_001]];
        let scores = scores_of(&weights, &device);
        let dense = scores.dense_masks();
        let sparsity = Sparsity::new(0.25).unwrap();
        let chosen = Selector::default().select(&scores, &dense, sparsity, false);
        let masks = chosen.unwrap().masks;
        let kept = kept(&masks);
        // floor(0.75 · 3,000,001)
        let expected = 2_250_000;
        assert_eq!(masks.kept(), expected, "{device:?}");
        assert!(kept[..expected].iter().all(|&kept| kept), "{device:?}");
        assert!(!kept[expected..].iter().any(|&kept| kept), "{device:?}");
        let parts: Vec<usize> = masks.iter().map(|mask| mask.kept()).collect();
        assert_eq!(parts, [2_000_000, 250_000], "{device:?}");
    }
}

#[test]
fn one_value_that_is_not_finite_is_found_wherever_it_is() {
    for device in devices() {
        let kernels = kernels::at(&device);
        for size in SIZES {
            let mut values = vec![f32::MAX; size];
            let good = floats(&values, &device);
            assert!(kernels.all_finite(&[&good, &good]), "{device:?}");
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let index = size * 2 / 3;
                values[index] = bad;
                let bad = floats(&values, &device);
                assert!(!kernels.all_finite(&[&good, &bad]), "{size} on {device:?}");
                values[index] = 1.0;
            }
        }
        assert!(kernels.all_finite(&[]), "nothing at all is finite");
    }
}

/// A score for a case: few values, so that many are equal.
fn score() -> impl Strategy<Value = f32> {
    prop_oneof![
        3 => (-3i32..4).prop_map(|value| value as f32 * 0.5),
        1 => prop::sample::select(vec![-0.0, f32::MIN_POSITIVE / 4.0, f32::MAX, f32::NAN]),
        1 => any::<f32>(),
    ]
}

/// Entries as (score, dropped, reserved).
fn tensor() -> impl Strategy<Value = Vec<(f32, bool, bool)>> {
    prop::collection::vec((score(), any::<bool>(), prop::bool::weighted(0.2)), 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(60)))]

    /// Counts by each digit are those of one plain loop.
    #[test]
    fn counts_are_exact(
        tensors in prop::collection::vec(tensor(), 1..4),
        regrows in any::<bool>(),
        reserves in any::<bool>(),
        pick in any::<prop::sample::Index>(),
    ) {
        for device in devices() {
            let parts: Vec<_> = tensors.iter().map(|entries| {
                let column = |get: fn(&(f32, bool, bool)) -> bool| -> Vec<bool> {
                    entries.iter().map(get).collect()
                };
                let scores: Vec<f32> = entries.iter().map(|entry| entry.0).collect();
                (
                    floats(&scores, &device),
                    flags(&column(|entry| entry.1), &device),
                    flags(&column(|entry| entry.2), &device),
                )
            }).collect();
            let candidates: Vec<_> = parts.iter().map(|(scores, pruned, reserved)| Candidates {
                scores,
                pruned,
                regrows,
                reserved: reserves.then_some(reserved),
            }).collect();
            let kernels = kernels::at(&device);
            let some: Vec<f32> = tensors.iter().flatten().map(|entry| entry.0).collect();
            let key = key_of(some[pick.index(some.len())]);
            let (mut shift, mut prefix) = (32, None);
            for &bits in kernels.digits() {
                shift -= bits;
                let digit = Digit { shift, bits, prefix };
                let mut ours = Histogram::new(bits);
                kernels.count(&candidates, digit, &mut ours);
                let expected = plain_count(&tensors, digit, regrows, reserves);
                if prefix.is_none() {
                    prop_assert_eq!(ours.nan, expected.nan);
                }
                if expected.nan == 0 {
                    prop_assert_eq!(ours.kept, expected.kept);
                    prop_assert_eq!(ours.pruned, expected.pruned);
                    prop_assert_eq!(ours.above, expected.above);
                }
                prefix = Some(key >> shift);
            }
        }
    }
}

/// What a digit's counts should be.
fn plain_count(
    tensors: &[Vec<(f32, bool, bool)>],
    digit: Digit,
    regrows: bool,
    reserves: bool,
) -> Histogram {
    let mut counts = Histogram::new(digit.bits);
    for entries in tensors {
        let mut above = 0;
        for &(score, pruned, reserved) in entries {
            if (pruned && !regrows) || (reserved && reserves) {
                continue;
            }
            if score.is_nan() {
                counts.nan += 1;
                continue;
            }
            let key = u64::from(key_of(score));
            let high = key >> (digit.shift + digit.bits);
            let bin = (key >> digit.shift) as usize % digit.bins();
            match digit.prefix.map(u64::from) {
                Some(prefix) if high > prefix => above += 1,
                Some(prefix) if high < prefix => {}
                _ if pruned => counts.pruned[bin] += 1,
                _ => counts.kept[bin] += 1,
            }
        }
        counts.above.push(above);
    }
    counts
}
