//! One pruning step of each scorer: the scores' update, and new masks by an exact global threshold.

use std::process::{Command, Stdio};

use burn_seven::Gradient;
use burn_seven::internals::Selector;
use burn_seven::scorer::AnyScorer;
use serde::{Deserialize, Serialize};

use crate::measure::{Figures, HEAD, measure};
use crate::numbers::Spread;
use crate::weights::Weights;
use crate::{Error, StepArgs, copy, write_json};

/// A whole run.
#[derive(Debug, Serialize, Deserialize)]
struct Run {
    device: String,
    kernels: String,
    weights: u64,
    repeat: u64,
    layout: String,
    threads: usize,
    /// Nanoseconds to copy 16 bytes, by all cores; the median over the scorers' processes.
    copy: f64,
    scorers: Vec<Figures>,
}

impl Run {
    fn print_head(&self) {
        println!(
            "{} weights on {}, {} threads, kernels {}; copying 16 bytes: {:.2} ns",
            self.weights, self.device, self.threads, self.kernels, self.copy
        );
        println!("ns a weight    {HEAD}");
    }

    fn print_scorers(&self) {
        for figures in &self.scorers {
            println!("{:12}  {figures}", figures.scorer);
        }
    }
}

/// The library's scorers that a step with the loss's gradient is enough for.
fn scorers() -> impl Iterator<Item = AnyScorer> {
    let all = AnyScorer::names().into_iter().filter_map(AnyScorer::named);
    all.filter(|scorer| matches!(scorer.reads().gradient(), None | Some(Gradient::Loss)))
}

pub fn run(args: &StepArgs) -> Result<(), Error> {
    let run = match &args.scorer {
        Some(scorer) => one(args, scorer)?,
        None => all(args)?,
    };
    run.print_head();
    run.print_scorers();
    write_json(args.json.as_deref(), &run)
}

/// Each scorer in a process of its own, so that the peak of its memory is its own.
fn all(args: &StepArgs) -> Result<Run, Error> {
    let folder =
        tempfile::tempdir().map_err(|error| Error::Io("a temporary folder".into(), error))?;
    let path = folder.path().join("figures.json");
    let name = path.display().to_string();
    let io = |error| Error::Io(name.clone(), error);
    let mut whole: Option<Run> = None;
    let mut copies = Vec::new();
    for scorer in scorers() {
        let scorer = scorer.name();
        eprintln!("{scorer} ...");
        let status = Command::new(std::env::current_exe().map_err(io)?)
            .args(["step", "--scorer", scorer, "--json", name.as_str()])
            .args(["--weights", &args.weights.to_string()])
            .args(["--repeat", &args.repeat.to_string()])
            .args(["--layout", &format!("{:?}", args.layout).to_lowercase()])
            .stdout(Stdio::null())
            .status()
            .map_err(io)?;
        if !status.success() {
            return Err(Error::Process(scorer));
        }
        let part: Run = serde_json::from_str(&std::fs::read_to_string(&path).map_err(io)?)?;
        copies.push(part.copy);
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.scorers.extend(part.scorers),
        }
    }
    let mut whole = whole.ok_or(Error::Process("none"))?;
    whole.copy = Spread::of(copies).median;
    Ok(whole)
}

/// One scorer, in this process.
fn one(args: &StepArgs, scorer: &str) -> Result<Run, Error> {
    let device = burn_seven::device();
    let weights = Weights::random(args.weights as usize, args.layout, &device);
    let copy = copy::nanoseconds_of_16_bytes(&device)?;
    let mut known = scorers();
    let known = known.find(|known| known.name() == scorer);
    let known = known.ok_or_else(|| Error::Scorer(scorer.to_string()))?;
    let figures = measure(known, &weights, &device, args.repeat, copy, true)?;
    Ok(Run {
        device: format!("{device:?}"),
        kernels: Selector::default().kernels_at(&device).to_string(),
        weights: args.weights,
        repeat: args.repeat,
        layout: format!("{:?}", args.layout).to_lowercase(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        copy,
        scorers: vec![figures],
    })
}
