//! The fine-tuning experiment in small: each path once, on a few of the embedded digits.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn_seven_examples::finetune::{Folders, Results, Runner, read_grid};
use burn_seven_tests::finetune::{place, run, settings};

// The digits' Transformer has 98,560 prunable weights; 0.75 leaves a quarter of them.
#[track_caller]
fn prunes_exactly(args: &[&str]) {
    let run = run(&[&["--sparsity=0.75"], args].concat());
    let total: usize = run.layers.iter().map(|layer| layer.total).sum();
    let kept: usize = run.layers.iter().map(|layer| layer.kept).sum();
    // A weight that is exactly 0 by itself counts as pruned; none is likely to be.
    assert_eq!((total, kept), (98_560, 24_640), "{args:?}");
    assert_eq!(run.sparsity, 0.75);
    assert_eq!((run.train_size, run.test_size, run.steps), (64, 50, 2));
    assert_eq!(run.epochs.len(), 1);
    assert!(
        run.result()
            .is_some_and(|accuracy| (0.0..=1.0).contains(&accuracy))
    );
    assert!(
        run.losses.iter().all(|(_, loss)| loss.is_finite()),
        "{:?}",
        run.losses
    );
}

/// All of these, or the first where each step takes a second.
fn some<'a>(names: &'a [&'a str], first: usize) -> &'a [&'a str] {
    let slow = burn_seven_tests::cases(10) < 10;
    &names[..if slow { first } else { names.len() }]
}

#[test]
fn every_scorer_prunes_exactly_before_training() {
    let scorers = [
        "grasp",
        "synflow",
        "force",
        "seven",
        "seven-signed",
        "sensitivity",
        "snip",
        "iterative-snip",
        "magnitude",
        "random",
    ];
    for scorer in some(&scorers, 3) {
        prunes_exactly(&["--when=before", "--scorer", scorer]);
    }
}

#[test]
fn every_scorer_prunes_exactly_while_training() {
    let scorers = [
        "platon",
        "movement",
        "seven",
        "seven-signed",
        "sensitivity",
        "magnitude",
    ];
    for scorer in some(&scorers, 1) {
        prunes_exactly(&["--when=during", "--window-end=1", "--scorer", scorer]);
    }
}

#[test]
fn every_strategy_prunes_exactly() {
    for strategy in some(&["lion", "adamw-linear", "sgd", "adamw"], 1) {
        prunes_exactly(&["--when=during", "--window-end=1", "--strategy", strategy]);
    }
}

// Merged adapters would fill the zeros, were they not masked.
#[test]
fn what_was_pruned_before_lora_is_zero_after_merging() {
    prunes_exactly(&["--when=before", "--strategy=lora", "--learning-rate=0.01"]);
}

#[test]
fn the_dense_model_has_no_layers_to_report() {
    let run = run(&["--sparsity=0"]);
    assert!(run.layers.is_empty());
    assert_eq!(run.sparsity, 0.0);
    assert!(run.majority["accuracy"] < 0.5);
}

// The grid has two runs; one is there already.
#[test]
fn a_grid_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let [grid, out] = ["grid.json", "runs.jsonl"].map(|name| folder.path().join(name));
    std::fs::write(&grid, r#"[{"scorer": ["magnitude", "seven"]}]"#).unwrap();
    let runs = read_grid(&grid, &settings(&[])).unwrap();
    let mut runner = Runner::new(Folders::default());
    let first = runner.run(&runs[0], &place()).unwrap();
    Results::open(&out).unwrap().append(&first).unwrap();

    let results = Results::open(&out).unwrap();
    let left: Vec<bool> = runs.iter().map(|run| !results.contains(run)).collect();
    assert_eq!(left, [false, true]);
}
