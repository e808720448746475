//! Trains a small vision Transformer on handwritten digits, prunes it by SEVEN to 90 % while it
//! trains, and shows what is left. `--help` lists the choices.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use burn::tensor::Device;
use burn_seven_examples::digits::{Args, Error, Outcome, Summary, check, compare, run, summarize};
use clap::Parser;

fn main() -> ExitCode {
    let args = Args::parse();
    let args = args.validate().unwrap_or_else(|error| error.exit());
    let device = burn_seven::device().autodiff();
    // What is wrong with the arguments is said before minutes of training, not after.
    let json = match check(&args, &device).and_then(|()| create(&args)) {
        Ok(json) => json,
        Err(error) => {
            eprintln!("digits: {error}");
            return ExitCode::from(2);
        }
    };
    match show(&args, &device, json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("digits: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The file that `--json` names.
fn create(args: &Args) -> Result<Option<File>, Error> {
    let create = |path: &PathBuf| {
        File::create(path).map_err(|source| Error::Io {
            path: path.display().to_string(),
            source,
        })
    };
    args.json.as_ref().map(create).transpose()
}

fn show(args: &Args, device: &Device, json: Option<File>) -> Result<(), Error> {
    let start = Instant::now();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for seed in (0..args.seeds).map(|count| args.seed.wrapping_add(count)) {
        if args.compare {
            outcomes.extend(compare(args, seed, device)?);
        } else {
            let outcome = run(args, seed, device)?;
            print(&outcome);
            outcomes.push(outcome);
        }
    }
    if args.compare || args.seeds > 1 {
        table(&by_scorer(&outcomes));
    }
    println!("{:.0} s in all", start.elapsed().as_secs_f64());
    if let Some(file) = json {
        serde_json::to_writer_pretty(file, &outcomes)?;
    }
    Ok(())
}

fn print(outcome: &Outcome) {
    println!("\n{}", outcome.report);
    let kilobytes = |bytes: [usize; 2]| {
        let [record, sparse] = bytes.map(|bytes| bytes as f64 / 1000.0);
        format!("{record:7.0} kB {sparse:8.0} kB")
    };
    println!(
        "seed {}            test accuracy      record  sparse file          time",
        outcome.seed
    );
    println!(
        "dense model            {:6.2} %  {:24} {:7.1} s",
        100.0 * outcome.dense_accuracy,
        kilobytes(outcome.dense_bytes),
        outcome.dense_seconds
    );
    println!(
        "pruned model           {:6.2} %  {:24} {:7.1} s",
        100.0 * outcome.pruned_accuracy,
        kilobytes(outcome.pruned_bytes),
        outcome.pruned_seconds
    );
}

/// One summary a scorer, in the order of their first run.
fn by_scorer(outcomes: &[Outcome]) -> Vec<Summary> {
    let mut names: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !names.contains(&outcome.scorer.as_str()) {
            names.push(&outcome.scorer);
        }
    }
    let of = |name: &str| -> Vec<Outcome> {
        outcomes
            .iter()
            .filter(|outcome| outcome.scorer == name)
            .cloned()
            .collect()
    };
    names
        .into_iter()
        .filter_map(|name| summarize(&of(name)))
        .collect()
}

fn table(summaries: &[Summary]) {
    println!("\nscorer        seeds  sparsity  dense test accuracy  pruned test accuracy");
    for summary in summaries {
        let accuracy = |[mean, deviation]: [f64; 2]| {
            format!("{:6.2} ± {:4.2} %", 100.0 * mean, 100.0 * deviation)
        };
        println!(
            "{:12}  {:5}  {:6.2} %  {:>19}  {:>20}",
            summary.scorer,
            summary.seeds,
            100.0 * summary.sparsity,
            accuracy(summary.dense),
            accuracy(summary.pruned)
        );
    }
}
