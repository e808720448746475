//! Fine-tunes a pretrained BERT on text tasks, or a vision Transformer on images, and prunes it
//! before or while it does. `--help` lists the choices; `--grid` runs many.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use burn_seven_examples::finetune::{
    Error, Folders, Place, Results, Run, Runner, Settings, read_grid,
};
use clap::Parser;
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

#[derive(Parser, Debug)]
#[command(name = "finetune", about, version)]
struct Line {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    folders: Folders,
    /// Run all of a grid file: a JSON list of objects, whose keys are settings (with underscores) and whose
    /// values are one value or a list. What an object leaves out is as on this line. Runs that --out
    /// holds already are skipped.
    #[arg(long, requires = "out")]
    grid: Option<PathBuf>,
    /// Append each run to this file, as one JSON line.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let line = Line::parse();
    match work(&line) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("finetune: {failed} runs failed");
            ExitCode::FAILURE
        }
        Err(error @ Error::Settings(_)) => {
            eprintln!("finetune: {error}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("finetune: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the number of runs that failed; a single run's failure is an error.
fn work(line: &Line) -> Result<usize, Error> {
    let grid = line.grid.as_ref();
    let runs = match grid {
        Some(path) => read_grid(path, &line.settings)?,
        None => {
            line.settings.validate()?;
            vec![line.settings.clone()]
        }
    };
    let mut results = line.out.as_deref().map(Results::open).transpose()?;
    let done = |run: &Settings| {
        results
            .as_ref()
            .is_some_and(|results| results.contains(run))
    };
    let left: Vec<Settings> = runs.iter().filter(|run| !done(run)).cloned().collect();
    if left.len() < runs.len() {
        println!(
            "{} of {} runs are there already",
            runs.len() - left.len(),
            runs.len()
        );
    }

    let bars = MultiProgress::new();
    let all = bars.add(bar(
        left.len() as u64,
        "{prefix:8} {bar:30} {pos}/{len}, {eta} left  {msg}",
    ));
    all.set_prefix("runs");
    let place = Place {
        device: burn_seven::device().autodiff(),
        revision: revision(),
        bar: bars.add(bar(0, "{prefix:8} {bar:30} {pos}/{len}  {msg}")),
    };
    place.bar.set_prefix("steps");
    let mut runner = Runner::new(line.folders.clone());
    let mut failed = 0;
    for (index, settings) in left.iter().enumerate() {
        let name = name(settings);
        all.set_message(name.clone());
        match runner.run(settings, &place) {
            Ok(run) => {
                all.inc(1);
                let (count, eta) = (left.len(), HumanDuration(all.eta()));
                let text = format!(
                    "{}/{count} {name}: {}, {eta} left",
                    index + 1,
                    summary(&run)
                );
                all.suspend(|| println!("{text}"));
                if let Some(results) = &mut results {
                    results.append(&run)?;
                }
            }
            Err(error) if grid.is_some() => {
                all.suspend(|| eprintln!("{name}: {error}"));
                failed += 1;
                all.inc(1);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(failed)
}

fn name(settings: &Settings) -> String {
    let Settings {
        task,
        scorer,
        sparsity,
        when,
        strategy,
        seed,
        ..
    } = settings;
    format!("{task:?} {strategy:?} {scorer} {sparsity} {when:?} seed {seed}")
}

fn summary(run: &Run) -> String {
    let metrics = run.epochs.iter().map(|metrics| {
        let values = metrics
            .iter()
            .map(|(name, value)| format!("{name} {value:.4}"));
        values.collect::<Vec<_>>().join(", ")
    });
    format!(
        "{} | sparsity {:.4}, {} steps, {:.1} s",
        metrics.collect::<Vec<_>>().join(" | "),
        run.sparsity,
        run.steps,
        run.seconds
    )
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// The git revision of the checkout that this program was built in.
fn revision() -> String {
    let output = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR")])
        .args(["describe", "--always", "--dirty", "--exclude", "*"])
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_string()
        }
        _ => "unknown".to_string(),
    }
}
