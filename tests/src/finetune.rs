//! Runs of the fine-tuning experiment on a few of the embedded digits.

use burn_seven_examples::finetune::{Folders, Place, Run, Runner, Settings};
use clap::Parser;
use indicatif::ProgressBar;

#[derive(Parser)]
#[command(args_override_self = true)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

/// A few digits, one epoch, three rounds, and what `args` say.
pub fn settings(args: &[&str]) -> Settings {
    let tiny = [
        "finetune",
        "--train-cap=64",
        "--test-cap=50",
        "--pretrain-epochs=1",
        "--epochs=1",
        "--rounds=3",
    ];
    Line::parse_from(tiny.iter().chain(args)).settings
}

/// The tests' device.
pub fn place() -> Place {
    Place {
        device: crate::device().autodiff(),
        revision: "test".to_string(),
        bar: ProgressBar::hidden(),
    }
}

/// A run of [`settings`].
///
/// # Panics
///
/// When it fails.
pub fn run(args: &[&str]) -> Run {
    let mut runner = Runner::new(Folders::default());
    match runner.run(&settings(args), &place()) {
        Ok(run) => run,
        Err(error) => panic!("{args:?}: {error}"),
    }
}
