//! Replays a recorded stream through the public API and compares scores and masks with it.

use std::path::PathBuf;
use std::process::ExitCode;

use burn_seven_tests::replay::replay_file;
use clap::Parser;

/// Feeds a recorded stream to the algorithm it names, chooses the masks at each step, and compares
/// scores and masks with the record. Exits 1 where they differ, 2 where the file is no stream.
#[derive(Parser)]
struct Args {
    /// A stream: a safetensors file, as tests/golden holds some.
    file: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match replay_file(&args.file, &burn_seven_tests::device()) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("replay: {}: {error}", args.file.display());
            return ExitCode::from(2);
        }
    };
    for step in &outcome.steps {
        println!(
            "step={} kept={} mask_mismatches={} max_rel_score_error={:.3e}",
            step.step, step.kept, step.mismatches, step.score_error
        );
    }
    println!(
        "mask_mismatches={} max_rel_score_error={:.3e}",
        outcome.mismatches(),
        outcome.score_error()
    );
    if outcome.passes() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
