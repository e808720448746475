//! One pruning step: the scores' update, and new masks by an exact global threshold.

use std::time::Instant;

use burn::tensor::Device;
use burn_seven::scorer::Scorer;
use burn_seven::{
    MagnitudeScorerConfig, Masks, ModuleScorer, MovementScorerConfig, PlatonScorerConfig,
    RandomScorerConfig, Selector, SensitivityScorerConfig, SevenScorerConfig, SnipScorerConfig,
    Sparsity, WeightGrads,
};
use serde::Serialize;

use crate::numbers::Spread;
use crate::{Error, StepArgs, copy, memory, weights};

/// The figures of one scorer; times are nanoseconds a weight.
#[derive(Debug, Serialize)]
struct Figures {
    scorer: String,
    /// The update, with the check for NaN and infinite values, and with the count of the new
    /// scores where it is made in the same pass.
    update: Spread,
    /// The exact threshold.
    threshold: Spread,
    /// Writing the masks.
    masks: Spread,
    /// All three.
    total: Spread,
    /// The median total over the time of copying 16 bytes a weight.
    over_copy: f64,
    /// Bytes a weight at the peak, beyond weights and gradients: state, masks and scratch. Only of
    /// the run's first scorer.
    extra_bytes: Option<f64>,
}

/// A whole run.
#[derive(Debug, Serialize)]
struct Run {
    device: String,
    kernels: String,
    weights: u64,
    repeat: u64,
    threads: usize,
    /// Nanoseconds to copy 16 bytes, by all cores.
    copy: f64,
    scorers: Vec<Figures>,
}

pub fn run(args: &StepArgs) -> Result<(), Error> {
    let device = burn_seven::device();
    let grads = weights::random(args.weights as usize, &device)?;
    let copy = copy::nanoseconds_of_16_bytes();
    let mut run = Run {
        device: format!("{device:?}"),
        kernels: Selector::default().kernels_at(&device).to_string(),
        weights: args.weights,
        repeat: args.repeat,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        copy,
        scorers: Vec::new(),
    };
    println!(
        "{} weights on {}, {} threads, kernels {}; copying 16 bytes: {copy:.2} ns",
        run.weights, run.device, run.threads, run.kernels
    );
    println!(
        "ns a weight    update                     threshold                  masks                      total                      x copy  extra bytes"
    );
    let mut bench = Bench {
        args,
        grads: &grads,
        device: &device,
        copy,
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
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&run)?;
        let io = |error| Error::Io(path.display().to_string(), error);
        std::fs::write(path, text).map_err(io)?;
    }
    Ok(())
}

struct Bench<'a> {
    args: &'a StepArgs,
    grads: &'a WeightGrads,
    device: &'a Device,
    copy: f64,
    figures: &'a mut Vec<Figures>,
}

impl Bench<'_> {
    fn measure<S: Scorer>(&mut self, mut scorer: ModuleScorer<S>) -> Result<(), Error> {
        let name = scorer.scorer().name();
        if self.args.scorer.as_ref().is_some_and(|only| only != name) {
            return Ok(());
        }
        let count = self.args.weights as f64;
        let returns = scorer.scorer().returns();
        let selector = Selector::default();
        let before = memory::reset();
        scorer.update(self.grads)?; // the first one makes the state
        let mut masks = Masks::dense(&scorer.scores());
        let mut times = Vec::new();
        for step in 0..self.args.repeat {
            // A cubic ramp's first steps: a new threshold each time.
            let sparsity = Sparsity::new(0.9 * (step + 1) as f64 / self.args.repeat as f64)?;
            let mut tally = selector.tally(&masks, sparsity, returns)?;
            self.sync();
            let start = Instant::now();
            let passed = || start.elapsed().as_secs_f64();
            let tally = match scorer.scorer().never_nan() {
                true => {
                    scorer.update_counting(self.grads, &mut tally)?;
                    Some(tally)
                }
                false => {
                    scorer.update(self.grads)?;
                    None
                }
            };
            self.sync();
            let updated = passed();
            let scores = scorer.scores();
            let cuts = selector.cut(&scores, &masks, sparsity, returns, tally)?;
            let cut = passed();
            masks = cuts.write(&scores, masks).masks;
            self.sync();
            let total = passed();
            let parts = [updated, cut - updated, total - cut, total];
            times.push(parts.map(|time| time * 1e9 / count));
        }
        // The allocator keeps what earlier scorers freed, so only the first one's peak tells.
        let extra = before
            .filter(|_| self.figures.is_empty())
            .zip(memory::peak())
            .map(|(before, peak)| (peak - before) / count);
        let spread = |part: usize| Spread::of(times.iter().map(|times| times[part]));
        let figures = Figures {
            scorer: name.to_string(),
            update: spread(0),
            threshold: spread(1),
            masks: spread(2),
            total: spread(3),
            over_copy: spread(3).median / self.copy,
            extra_bytes: extra,
        };
        println!(
            "{name:12}  {:25}  {:25}  {:25}  {:25}  {:6.1}  {:>11}",
            figures.update.to_string(),
            figures.threshold.to_string(),
            figures.masks.to_string(),
            figures.total.to_string(),
            figures.over_copy,
            figures
                .extra_bytes
                .map_or("-".to_string(), |bytes| format!("{bytes:.1}"))
        );
        self.figures.push(figures);
        Ok(())
    }

    /// Waits for the device; one that fails to shows in the next read.
    fn sync(&self) {
        let _ = self.device.sync();
    }
}
