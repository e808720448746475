//! The main job, in small.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn_seven_examples::digits::{Args, run};
use clap::Parser;

// Three epochs are enough for much more than guessing (a tenth), and for the exact count: the
// selected weights are 4·64 + 3·(4·64² + 2·64·128) = 98,560, a quarter of them 24,640.
fn learns_and_prunes_exactly(when: &[&str]) {
    let device = burn_seven_tests::device().autodiff();
    // Fewer where each step takes a second, and then nothing is learned yet.
    let slow = burn_seven_tests::cases(10) < 10;
    let epochs = if slow { "1" } else { "3" };
    let args = Args::parse_from(
        ["digits", "--epochs", epochs, "--sparsity", "0.75"]
            .iter()
            .chain(when),
    );
    let outcome = run(&args, 3, &device).unwrap();
    assert_eq!(
        (outcome.report.total, outcome.report.kept),
        (98_560, 24_640)
    );
    if !slow {
        assert!(outcome.dense_accuracy > 0.3, "{}", outcome.dense_accuracy);
        assert!(outcome.pruned_accuracy > 0.3, "{}", outcome.pruned_accuracy);
    }
    assert!(outcome.pruned_bytes[1] < outcome.dense_bytes[1] / 2);
}

#[test]
fn a_short_run_prunes_while_training() {
    learns_and_prunes_exactly(&[]);
}

#[test]
fn a_short_run_prunes_before_training() {
    learns_and_prunes_exactly(&["--before-training"]);
}
