//! Trains a vision Transformer and a small convolutional network on handwritten digits, prunes neurons,
//! heads and channels until half of the multiply-adds are gone, and cuts them out. `--help` lists the
//! choices.

use std::process::ExitCode;

use burn::tensor::Device;
use burn_seven_examples::shrinking::{Args, Classifier, Cnn, Error, Outcome, Vit, run};
use clap::Parser;

fn main() -> ExitCode {
    let args = Args::parse();
    let shown = show("vision Transformer", &args, Vit::new)
        .and_then(|()| show("convolutional network", &args, Cnn::new));
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shrink: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show<M: Classifier>(name: &str, args: &Args, init: impl Fn(&Device) -> M) -> Result<(), Error> {
    let mut outcomes = Vec::new();
    for seed in 0..args.seeds {
        outcomes.push(run(args, seed, &init)?);
    }
    if let Some(outcome) = outcomes.first() {
        println!("{name}, seed 0, before and after\n\n{}", outcome.report);
    }
    println!("{name}                      accuracy of seeds    file kB  compiled ms");
    let rows = ["dense", "cut", "pruned", "cut, then pruned"];
    for (row, label) in rows.into_iter().enumerate() {
        let accuracy: Vec<String> = outcomes
            .iter()
            .map(|outcome| format!("{:.2}", 100.0 * outcome.accuracy[row]))
            .collect();
        let mean = |value: &dyn Fn(&Outcome) -> f64| {
            outcomes.iter().map(value).sum::<f64>() / outcomes.len().max(1) as f64
        };
        let bytes = match row {
            0 | 1 => format!("{:.0}", mean(&|outcome| outcome.bytes[row] as f64 / 1e3)),
            _ => String::new(),
        };
        let compiled = mean(&|outcome| 1e3 * outcome.compiled[row]);
        println!(
            "{label:20} {:>30}  {bytes:>9}  {compiled:>11.3}",
            accuracy.join(" ")
        );
    }
    println!();
    Ok(())
}
