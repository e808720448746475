//! Runs that nobody ran.

use std::collections::BTreeMap;

use crate::finetune::{Layer, Run, Settings, Strategy, When};
use crate::scorer_name::ScorerName;
use crate::task_name::TaskName;

/// A run of SEVEN on SST-2 at sparsity 0.5 before fine-tuning, seed 0, accuracy 0.9.
pub fn run() -> Run {
    let metrics = |value| BTreeMap::from([("accuracy".to_string(), value)]);
    Run {
        settings: Settings {
            task: TaskName::Sst2,
            scorer: ScorerName::Seven,
            sparsity: 0.5,
            when: When::Before,
            strategy: Strategy::Adamw,
            seed: 0,
            epochs: 3,
            batch: 32,
            learning_rate: 1e-4,
            rounds: 100,
            window_start: 0.1,
            window_end: 0.6,
            max_length: 64,
            train_cap: 0,
            test_cap: 0,
            pretrain_epochs: 10,
        },
        metric: "accuracy".to_string(),
        epochs: vec![metrics(0.7), metrics(0.9)],
        majority: metrics(0.5),
        losses: vec![(0, 0.7), (10, 0.3)],
        sparsity: 0.5,
        layers: layers(&[0.4, 0.6]),
        train_size: 1000,
        test_size: 200,
        steps: 96,
        seconds: 12.0,
        revision: "abc1234".to_string(),
        backend: "NdArray".to_string(),
    }
}

/// The run by another seed, with another result.
pub fn seeded(mut run: Run, seed: u64, result: f64) -> Run {
    run.settings.seed = seed;
    run.epochs = vec![BTreeMap::from([(run.metric.clone(), result)])];
    run
}

/// The run by another scorer, at another sparsity.
pub fn scored(mut run: Run, scorer: ScorerName, sparsity: f64) -> Run {
    run.settings.scorer = scorer;
    run.settings.sparsity = sparsity;
    run.sparsity = sparsity;
    run
}

/// Runs as read from a file.
pub fn entries(runs: Vec<Run>) -> Vec<super::Entry> {
    let place = |line| super::Place {
        path: "runs.jsonl".to_string(),
        line,
    };
    let entry = |(index, run)| super::Entry {
        run,
        place: place(index + 1),
    };
    runs.into_iter().enumerate().map(entry).collect()
}

fn layers(sparsities: &[f64]) -> Vec<Layer> {
    let layer = |(index, sparsity): (usize, &f64)| Layer {
        path: format!("blocks.{index}.weight"),
        total: 1000,
        kept: (1000.0 * (1.0 - sparsity)).round() as usize,
    };
    sparsities.iter().enumerate().map(layer).collect()
}

/// Noise in [-1, 1] that depends on its arguments only.
fn noise(a: usize, b: usize, c: usize) -> f64 {
    let mixed = (a * 7919 + b * 104_729 + c * 1_299_709 + 12_345) as u64;
    let mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((mixed >> 11) as f64) / ((1u64 << 52) as f64) - 1.0
}

/// As many runs as a real experiment has, and of such a shape: nine scorers before and during,
/// four sparsities, five seeds, the dense model, and SGD beside AdamW.
pub fn many() -> Vec<Run> {
    use ScorerName::{
        Force, IterativeSnip, Magnitude, Movement, Platon, Random, Sensitivity, Seven, SevenSigned,
        Snip, Synflow,
    };
    let before = [
        Seven,
        SevenSigned,
        Sensitivity,
        Snip,
        IterativeSnip,
        Force,
        Synflow,
        Magnitude,
        Random,
    ];
    let during = [
        Seven,
        SevenSigned,
        Sensitivity,
        Snip,
        Magnitude,
        Movement,
        Platon,
        Random,
    ];
    let plans: [(When, Strategy, &[ScorerName], &[f64]); 3] = [
        (
            When::Before,
            Strategy::Adamw,
            &before,
            &[0.5, 0.7, 0.8, 0.9],
        ),
        (
            When::During,
            Strategy::Adamw,
            &during,
            &[0.5, 0.7, 0.8, 0.9],
        ),
        (When::During, Strategy::Sgd, &during[..3], &[0.8]),
    ];
    let mut runs = Vec::new();
    for (when, strategy, scorers, sparsities) in plans {
        for seed in 0..5 {
            for (rank, scorer) in scorers.iter().enumerate() {
                for sparsity in sparsities {
                    runs.push(one(when, strategy, (rank, *scorer), *sparsity, seed));
                }
            }
            if when == When::Before || strategy == Strategy::Sgd {
                runs.push(one(when, strategy, (0, Seven), 0.0, seed));
            }
        }
    }
    runs
}

fn one(
    when: When,
    strategy: Strategy,
    (rank, scorer): (usize, ScorerName),
    sparsity: f64,
    seed: usize,
) -> Run {
    let mut run = scored(run(), scorer, sparsity);
    run.settings.when = when;
    run.settings.strategy = strategy;
    run.settings.learning_rate = if strategy == Strategy::Sgd {
        1e-2
    } else {
        1e-4
    };
    let point = (1000.0 * sparsity) as usize + when as usize;
    let harm = sparsity.powi(4) * (0.08 + 0.035 * rank as f64);
    let blur = 0.003 + 0.02 * sparsity.powi(4);
    let result = 0.9 - harm + blur * noise(rank, point, seed);
    let mut run = seeded(run, seed as u64, (872.0 * result.max(0.51)).round() / 872.0);
    run.majority = BTreeMap::from([("accuracy".to_string(), 444.0 / 872.0)]);
    run.steps = 630;
    run.train_size = 6720;
    run.test_size = 872;
    run.seconds = 60.0 + 3.0 * rank as f64 + noise(rank, point, seed);
    let loss = |index: usize| {
        let step = index * 13;
        let bump = if step > 63 && step < 378 {
            harm
        } else {
            harm / 2.0
        };
        let base = 0.1 + 0.6 * (-(step as f64) / 150.0).exp() + bump;
        (step, base + 0.05 * noise(index, rank, seed).abs())
    };
    run.losses = (0..49).map(loss).collect();
    let shares: Vec<f64> = (0..73)
        .map(|layer| {
            let wave = 0.1 * ((layer % 6) as f64 - 2.5) / 2.5;
            let slope = 0.002 * rank as f64 * (layer as f64 - 36.0) / 2.0;
            (sparsity + (1.0 - sparsity) * (wave + slope)).clamp(0.0, 1.0)
        })
        .collect();
    run.layers = layers(&shares);
    run
}
