//! One model: dense, pruned by units and cut, and both pruned further and compiled.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use burn_seven::shrink::{Shrink, ShrinkReport};
use burn_seven::sparse;
use burn_seven::{CubicSchedule, Pruner, PrunerConfig, SevenScorerConfig, Sparsity, UniformBudget};
use clap::Parser;

use super::train::{accuracy, steps, train};
use super::{Classifier, Error};
use crate::digits::Digits;

/// Cuts half of the multiply-adds out of a vision Transformer and a small convolutional network while
/// they learn handwritten digits.
#[derive(Parser, Debug, Clone)]
pub struct Args {
    /// Times that each training goes through the images.
    #[arg(long, default_value_t = 20)]
    pub epochs: usize,
    /// Runs, each with a seed of its own.
    #[arg(long, default_value_t = 1)]
    pub seeds: u64,
    /// The share of multiply-adds that goes.
    #[arg(long, default_value_t = 0.5)]
    pub removed: f64,
    /// The share of single weights that are zero where models are compiled.
    #[arg(long, default_value_t = 0.8)]
    pub sparsity: f64,
    /// Images at once where time is measured.
    #[arg(long, default_value_t = 64)]
    pub batch: usize,
    /// Runs of which the median time is taken.
    #[arg(long, default_value_t = 21)]
    pub runs: usize,
}

/// What became of one model.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was cut, with sizes and times.
    pub report: ShrinkReport,
    /// Test accuracy: dense, cut, pruned entry by entry with as many non-zeros, cut and then pruned.
    pub accuracy: [f64; 4],
    /// Bytes of Burn's file, dense and cut.
    pub bytes: [usize; 2],
    /// Seconds of the compiled model: dense, cut, pruned, cut and then pruned.
    pub compiled: [f64; 4],
}

/// Trains, prunes and cuts one model.
///
/// # Errors
///
/// What the library refuses, such as a share that is out of range.
pub fn run<M: Classifier>(
    args: &Args,
    seed: u64,
    init: impl Fn(&Device) -> M,
) -> Result<Outcome, Error> {
    let device = burn_seven::device().autodiff();
    let (train_data, test_data) = Digits::load()?;
    let fresh = || {
        device.seed(seed);
        init(&device)
    };
    let learn = |model: M, epochs: usize, pruner: Option<&mut Pruner>| {
        train(model, &train_data, epochs, seed, &device, pruner)
    };
    let schedule = |epochs: usize, share: Sparsity| {
        let all = steps(&train_data, epochs);
        PrunerConfig::new(CubicSchedule::new(all / 5..all * 4 / 5, share))
    };
    let scorer = || SevenScorerConfig::new().init();
    let example = Tensor::<3>::random([args.batch, 8, 8], Distribution::Uniform(0.0, 1.0), &device);
    let example = example.inner();

    // Clones share running statistics, so that each model is tested before it is trained on.
    let test = |model: &M| accuracy(model, &test_data, &device);
    let dense = learn(fresh(), args.epochs, None)?;
    let dense_accuracy = test(&dense);

    // Units go while the model trains; then they are cut out.
    let model = fresh();
    let groups = Shrink::new().groups(&model, &example, M::forward)?;
    let share = groups.sparsity_for_multiply_adds(args.removed)?;
    let mut pruner = schedule(args.epochs, share)
        .with_structure(groups.structure()?)
        .with_selection(groups.selection()?)
        .with_budget(UniformBudget)
        .init(scorer(), &model)?;
    let model = pruner.attach(model)?;
    let model = learn(model, args.epochs, Some(&mut pruner))?;
    let model = pruner.finish(model)?;
    let shrink = Shrink::new().with_timing(args.runs);
    let (small, report) = shrink.shrink(&model, example.clone(), M::forward)?;
    let small_accuracy = test(&small);

    // Entries go: from the dense model as many as from both, and from the small one.
    let sparsity = Sparsity::new(args.sparsity)?;
    let kept = report.parameters()[1] as f64 / report.parameters()[0] as f64;
    let both = Sparsity::new(1.0 - kept * (1.0 - args.sparsity))?;
    let entries = |model: M, share: Sparsity| -> Result<M, Error> {
        let epochs = args.epochs.div_ceil(2);
        let mut pruner = schedule(epochs, share).init(scorer(), &model)?;
        let model = pruner.attach(model)?;
        let model = learn(model, epochs, Some(&mut pruner))?;
        Ok(pruner.finish(model)?)
    };
    let sparse_dense = entries(dense.clone(), both)?;
    let sparse_small = entries(small.clone(), sparsity)?;

    let models = [&dense, &small, &sparse_dense, &sparse_small];
    let mut compiled = [0.0; 4];
    for (seconds, model) in compiled.iter_mut().zip(models) {
        *seconds = time_compiled(model, &example, args.runs)?;
    }
    Ok(Outcome {
        report,
        accuracy: [
            dense_accuracy,
            small_accuracy,
            test(&sparse_dense),
            test(&sparse_small),
        ],
        bytes: [bytes(&dense)?, bytes(&small)?],
        compiled,
    })
}

fn bytes<M: Module>(model: &M) -> Result<usize, Error> {
    Ok(model.clone().into_record().into_bytes()?.len())
}

fn time_compiled<M: Classifier>(model: &M, example: &Tensor<3>, runs: usize) -> Result<f64, Error> {
    let flex = Device::flex();
    let (model, example) = (
        model.valid().to_device(&flex),
        example.clone().to_device(&flex),
    );
    let fast = sparse::compile(&model, example.clone(), M::forward)?;
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        fast.run(example.clone())?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
