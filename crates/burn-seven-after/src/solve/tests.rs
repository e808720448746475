//! Solvers beside numpy's (`tests/solvers.py`), and laws.

use burn_seven_core::Sparsity;
use faer::Mat;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;

use super::factor::of_inverse;
use super::{Columns, Solved, solve};
use crate::moments::Moments;
use crate::{After, AfterError, Pattern, Solver};

#[derive(Deserialize)]
struct Recorded {
    x: Vec<f32>,
    w: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    solver: String,
    pattern: String,
    refit: bool,
    weight: Vec<f64>,
    kept: Vec<bool>,
    error: f64,
}

const INPUTS: usize = 24;

fn moments(x: &[f32], inputs: usize) -> Moments {
    let mut moments = Moments::new(inputs);
    moments.add(x);
    moments
}

fn half() -> Sparsity {
    Sparsity::new(0.5).unwrap()
}

fn pruned(after: &After, columns: &Columns, moments: &Moments) -> Solved {
    solve(after, half(), columns, moments, "layer").unwrap()
}

fn error(columns: &Columns, solved: &Columns, moments: &Moments) -> f64 {
    let pairs = columns.iter().zip(solved);
    let change = pairs.map(|(one, other)| one.iter().zip(other).map(|(a, b)| a - b).collect());
    (moments.square(&change.collect::<Vec<_>>()) / moments.square(columns)).sqrt()
}

#[test]
fn masks_weights_and_errors_are_numpys() {
    let recorded = include_str!("../../tests/solvers.json");
    let recorded: Recorded = serde_json::from_str(recorded).unwrap();
    let moments = moments(&recorded.x, INPUTS);
    let columns: Columns = recorded.w.chunks(INPUTS).map(<[f64]>::to_vec).collect();
    assert_eq!(recorded.cases.len(), 18);
    for case in recorded.cases {
        let solver = match case.solver.as_str() {
            "magnitude" => Solver::Magnitude,
            "wanda" => Solver::Wanda,
            _ => Solver::SparseGpt,
        };
        let pattern = match case.pattern.as_str() {
            "layer" => Pattern::Layer,
            "output" => Pattern::Output,
            _ => Pattern::NOfM { kept: 2, of: 4 },
        };
        let what = format!("{} {} {}", case.solver, case.pattern, case.refit);
        let after = After::new(solver, half())
            .with_pattern(pattern)
            .with_block(8)
            .with_refit(case.refit);
        let solved = pruned(&after, &columns, &moments);
        assert_eq!(solved.kept.concat(), case.kept, "{what}");
        for (found, expected) in solved.columns.concat().iter().zip(&case.weight) {
            assert!(
                (found - expected).abs() < 1e-9,
                "{what}: {found} {expected}"
            );
        }
        let found = error(&columns, &solved.columns, &moments);
        assert!(
            (found - case.error).abs() < 1e-9,
            "{what}: {found} {}",
            case.error
        );
    }
}

/// Inputs that are sums of a few common ones, as a network's are.
fn correlated(seed: u64, samples: usize, inputs: usize) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut normal = || -> f64 { (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0 };
    let common = (inputs / 4).max(1);
    let mixing: Vec<f64> = (0..common * inputs).map(|_| normal()).collect();
    let scales: Vec<f64> = (0..inputs).map(|_| normal().exp()).collect();
    let mut x = Vec::new();
    for _ in 0..samples {
        let hidden: Vec<f64> = (0..common).map(|_| normal()).collect();
        for (input, scale) in scales.iter().enumerate() {
            let mixed = hidden.iter().enumerate();
            let mixed: f64 = mixed
                .map(|(row, own)| own * mixing[row * inputs + input])
                .sum();
            x.push((scale * (mixed / (common as f64).sqrt() + 0.3 * normal())) as f32);
        }
    }
    x
}

fn weights(seed: u64, inputs: usize, outputs: usize) -> Columns {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut column = || {
        (0..inputs)
            .map(|_| rng.random::<f64>() * 2.0 - 1.0)
            .collect()
    };
    (0..outputs).map(|_| column()).collect()
}

#[test]
fn on_correlated_inputs_magnitude_is_worst_then_wanda_then_sparse_gpt_then_the_refit() {
    let x = correlated(1, 512, 64);
    let (moments, columns) = (moments(&x, 64), weights(2, 64, 32));
    let of = |after: After| {
        // Masks within an output for all, so that they differ in nothing else.
        let solved = pruned(&after.with_pattern(Pattern::Output), &columns, &moments);
        error(&columns, &solved.columns, &moments).powi(2)
    };
    let magnitude = of(After::new(Solver::Magnitude, half()));
    let wanda = of(After::new(Solver::Wanda, half()));
    let gpt = of(After::new(Solver::SparseGpt, half()));
    let refit = of(After::new(Solver::SparseGpt, half())
        .with_refit(true)
        .with_damping(1e-6));
    assert!(wanda < 0.25 * magnitude, "{wanda} {magnitude}");
    assert!(gpt < wanda, "{gpt} {wanda}");
    assert!(refit < gpt, "{refit} {gpt}");
}

#[test]
fn one_removal_costs_what_optimal_brain_surgery_says() {
    let inputs = 16;
    let (moments, columns) = (
        moments(&correlated(3, 64, inputs), inputs),
        weights(4, inputs, 1),
    );
    // Fifteen of sixteen stay; with a block of 1 the first input's score is of the whole inverse.
    let after = After::new(Solver::SparseGpt, half()).with_damping(0.0);
    let sparsity = Sparsity::new(1.0 / 16.0).unwrap();
    let solved = solve(&after, sparsity, &columns, &moments, "layer").unwrap();
    let gone = solved.kept[0].iter().position(|kept| !kept).unwrap();
    // Inputs before it stay as they are, so the inverse is that of the inputs from it on.
    let left = inputs - gone;
    let matrix = Mat::from_fn(left, left, |row, column| {
        moments.products[(gone + row, gone + column)]
    });
    let factor = super::factor::Factor::of(matrix).unwrap();
    let mut inverse = Mat::identity(left, left);
    factor.solve(&mut inverse);
    let change: Vec<f64> = columns[0]
        .iter()
        .zip(&solved.columns[0])
        .map(|(old, new)| old - new)
        .collect();
    let loss = 0.5 * moments.square(&[change]);
    let expected = columns[0][gone].powi(2) / (2.0 * inverse[(0, 0)]);
    assert!((loss / expected - 1.0).abs() < 1e-8, "{loss} {expected}");
}

#[test]
fn inputs_without_an_inverse_get_more_damping_and_say_so() {
    // Two inputs that are the same, and one that is always zero.
    let x: Vec<f32> = (0..32)
        .flat_map(|row| [row as f32, row as f32, 0.0, 1.0])
        .collect();
    let (moments, columns) = (moments(&x, 4), weights(5, 4, 3));
    let after = After::new(Solver::SparseGpt, half())
        .with_damping(0.0)
        .with_refit(true);
    let solved = pruned(&after, &columns, &moments);
    assert!(solved.damping > 0.0);
    assert!(
        solved
            .columns
            .concat()
            .iter()
            .all(|entry| entry.is_finite())
    );
    assert_eq!(solved.kept.concat().iter().filter(|kept| **kept).count(), 6);
}

#[test]
fn second_moments_that_are_not_positive_at_all_are_an_error() {
    let mut moments = moments(&[1.0, 0.0, 0.0, 1.0], 2);
    moments.products[(0, 1)] = 1e6;
    moments.products[(1, 0)] = 1e6;
    let error = of_inverse(&moments, 0.01, "head.weight").unwrap_err();
    assert!(matches!(error, AfterError::NotPositive { .. }), "{error}");
    assert!(error.to_string().contains("head.weight"), "{error}");
}

#[test]
fn results_are_the_same_bits_on_any_number_of_threads() {
    let x = correlated(6, 3000, 160);
    let columns = weights(7, 160, 40);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let moments = moments(&x, 160);
            let after = After::new(Solver::SparseGpt, half()).with_block(32);
            let gpt = pruned(&after, &columns, &moments).columns.concat();
            let refit = pruned(&after.with_refit(true), &columns, &moments)
                .columns
                .concat();
            let bits = gpt.into_iter().chain(refit).map(f64::to_bits);
            bits.collect::<Vec<u64>>()
        })
    };
    let one = on(1);
    assert_eq!(on(2), one);
    assert_eq!(on(5), one);
}

proptest! {
    #[test]
    fn counts_are_exact_and_zeros_are_zeros(
        seed in 0..1000u64, inputs in 1..20usize, outputs in 1..6usize, mille in 0..1000u32,
        solver in 0..3usize, pattern in 0..3usize, refit in any::<bool>(),
    ) {
        let solver = [Solver::Magnitude, Solver::Wanda, Solver::SparseGpt][solver];
        let pattern =
            [Pattern::Layer, Pattern::Output, Pattern::NOfM { kept: 1, of: 4 }][pattern];
        let sparsity = Sparsity::new(f64::from(mille) / 1000.0).unwrap();
        let (moments, columns) =
            (moments(&correlated(seed, 40, inputs), inputs), weights(seed, inputs, outputs));
        let after = After::new(solver, sparsity).with_pattern(pattern).with_refit(refit);
        let solved = solve(&after, sparsity, &columns, &moments, "layer").unwrap();
        let kept = solved.kept.concat();
        let count = kept.iter().filter(|kept| **kept).count();
        // All inputs are in one block here.
        prop_assert_eq!(count, match pattern {
            _ if sparsity == Sparsity::DENSE => inputs * outputs,
            Pattern::Layer => sparsity.kept(inputs * outputs),
            Pattern::Output => outputs * sparsity.kept(inputs).max(1),
            Pattern::NOfM { .. } => outputs * (inputs / 4 + inputs % 4),
        });
        for (entry, kept) in solved.columns.concat().iter().zip(kept) {
            prop_assert!(kept || *entry == 0.0);
        }
    }

    #[test]
    fn the_refit_never_makes_the_outputs_worse(seed in 0..1000u64, inputs in 2..24usize) {
        let (moments, columns) =
            (moments(&correlated(seed, 80, inputs), inputs), weights(seed, inputs, 3));
        for solver in [Solver::Magnitude, Solver::Wanda, Solver::SparseGpt] {
            let after = After::new(solver, half()).with_damping(1e-9);
            let plain = error(&columns, &pruned(&after, &columns, &moments).columns, &moments);
            let after = after.with_refit(true);
            let fitted = error(&columns, &pruned(&after, &columns, &moments).columns, &moments);
            prop_assert!(fitted <= plain * (1.0 + 1e-6) + 1e-9, "{} {}", fitted, plain);
        }
    }
}
