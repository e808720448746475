//! One pruning step of each scorer: the scores' update, and new masks by an exact global threshold.

use burn::tensor::Device;
use burn_seven::scorer::Scorer;
use burn_seven::{
    MagnitudeScorerConfig, ModuleScorer, MovementScorerConfig, PlatonScorerConfig,
    RandomScorerConfig, Selector, SensitivityScorerConfig, SevenScorerConfig, SnipScorerConfig,
};
use serde::Serialize;

use crate::measure::{Figures, HEAD, measure};
use crate::weights::Weights;
use crate::{Error, StepArgs, copy, write_json};

/// A whole run.
#[derive(Debug, Serialize)]
struct Run {
    device: String,
    kernels: String,
    weights: u64,
    repeat: u64,
    layout: String,
    threads: usize,
    /// Nanoseconds to copy 16 bytes, by all cores.
    copy: f64,
    scorers: Vec<Figures>,
}

pub fn run(args: &StepArgs) -> Result<(), Error> {
    let device = burn_seven::device();
    let weights = Weights::random(args.weights as usize, args.layout, &device);
    let mut run = Run {
        device: format!("{device:?}"),
        kernels: Selector::default().kernels_at(&device).to_string(),
        weights: args.weights,
        repeat: args.repeat,
        layout: format!("{:?}", args.layout).to_lowercase(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        copy: copy::nanoseconds_of_16_bytes(&device),
        scorers: Vec::new(),
    };
    println!(
        "{} weights on {}, {} threads, kernels {}; copying 16 bytes: {:.2} ns",
        run.weights, run.device, run.threads, run.kernels, run.copy
    );
    println!("ns a weight    {HEAD}");
    let mut bench = Bench {
        args,
        weights: &weights,
        device: &device,
        copy: run.copy,
        figures: &mut run.scorers,
    };
    bench.measure(SevenScorerConfig::new().init())?;
    bench.measure(SensitivityScorerConfig::new().init())?;
    bench.measure(SnipScorerConfig::new().init())?;
    bench.measure(MagnitudeScorerConfig::new().init())?;
    bench.measure(MovementScorerConfig::new().init())?;
    bench.measure(PlatonScorerConfig::new().with_window(1).init())?;
    bench.measure(RandomScorerConfig::new().init())?;
    if let Some(name) = args.scorer.as_ref().filter(|_| run.scorers.is_empty()) {
        return Err(Error::Scorer(name.clone()));
    }
    write_json(args.json.as_deref(), &run)
}

struct Bench<'a> {
    args: &'a StepArgs,
    weights: &'a Weights,
    device: &'a Device,
    copy: f64,
    figures: &'a mut Vec<Figures>,
}

impl Bench<'_> {
    fn measure<S: Scorer>(&mut self, scorer: ModuleScorer<S>) -> Result<(), Error> {
        let name = scorer.scorer().name();
        if self.args.scorer.as_ref().is_some_and(|only| only != name) {
            return Ok(());
        }
        let first = self.figures.is_empty();
        let repeat = self.args.repeat;
        let figures = measure(scorer, self.weights, self.device, repeat, self.copy, first)?;
        println!("{name:12}  {figures}");
        self.figures.push(figures);
        Ok(())
    }
}
