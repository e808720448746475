//! The experiment: a dense model, then the same model pruned.

use std::time::Instant;

use burn::module::{Module, ParamGroup};
use burn::tensor::Device;
use burn_seven::sparse::SaveConfig;
use burn_seven::{CubicSchedule, Pruner, PrunerConfig, Selection};
use clap::ValueEnum;

use super::train::{BATCH, Phase, accuracy};
use super::{Args, Digits, Error, Outcome, Vit, VitConfig};
use crate::finetune::window;
use crate::scorer_name::ScorerName;

/// Rounds of one batch each when pruning before training.
const ROUNDS: usize = 100;

/// A dense model of one seed, and how it came to be.
struct Dense {
    model: Vit,
    accuracy: f64,
    bytes: [usize; 2],
    seconds: f64,
}

/// Finds, before any training, what the library would refuse of `args`.
///
/// # Errors
///
/// Those of [`PrunerConfig::init`](burn_seven::PrunerConfig::init).
pub fn check(args: &Args, device: &Device) -> Result<(), Error> {
    let (training, _) = Digits::load()?;
    let phase = Phase {
        name: "check",
        epochs: args.epochs,
        seed: args.seed,
        device,
    };
    let model = VitConfig::new().init(device);
    pruner(args, args.scorer, args.seed, phase.steps(&training), &model).map(drop)
}

/// Trains a dense model and prunes it with the scorer that `args` name, for one seed.
///
/// # Errors
///
/// Those of the library.
pub fn run(args: &Args, seed: u64, device: &Device) -> Result<Outcome, Error> {
    let (training, test) = Digits::load()?;
    let dense = train_dense(args, seed, &training, &test, device)?;
    prune(args, args.scorer, seed, &dense, &training, &test, device)
}

/// Trains a dense model and prunes it with every scorer in turn, for one seed.
///
/// # Errors
///
/// Those of the library.
pub fn compare(args: &Args, seed: u64, device: &Device) -> Result<Vec<Outcome>, Error> {
    let (training, test) = Digits::load()?;
    let dense = train_dense(args, seed, &training, &test, device)?;
    let scorers = ScorerName::value_variants().iter().copied();
    scorers
        .filter(|scorer| args.fits(*scorer))
        .map(|scorer| prune(args, scorer, seed, &dense, &training, &test, device))
        .collect()
}

fn train_dense(
    args: &Args,
    seed: u64,
    training: &Digits,
    test: &Digits,
    device: &Device,
) -> Result<Dense, Error> {
    let start = Instant::now();
    device.seed(seed);
    let model = VitConfig::new().init(device);
    let phase = Phase {
        name: "dense",
        epochs: args.epochs,
        seed,
        device,
    };
    let model = phase.train(model, training, None)?;
    Ok(Dense {
        accuracy: accuracy(&model, test, device),
        bytes: sizes(&model)?,
        seconds: start.elapsed().as_secs_f64(),
        model,
    })
}

fn prune(
    args: &Args,
    scorer: ScorerName,
    seed: u64,
    dense: &Dense,
    training: &Digits,
    test: &Digits,
    device: &Device,
) -> Result<Outcome, Error> {
    let start = Instant::now();
    device.seed(seed);
    let name = format!("{scorer} to {:.0} %", 100.0 * args.sparsity.value());
    let phase = Phase {
        name: &name,
        epochs: args.epochs,
        seed: seed ^ 0xb5e7e5, // other orders than the dense phase's
        device,
    };
    let model = dense.model.clone();
    let mut pruner = pruner(args, scorer, seed, phase.steps(training), &model)?;
    let model = if args.before_training {
        let batches = Phase {
            epochs: (ROUNDS * BATCH).div_ceil(training.len()) as u64 + 1,
            ..phase
        };
        let loss = |model: &Vit, batch| match scorer {
            ScorerName::Synflow => model.flow(device),
            _ => model.tempered_loss(&batch, scorer.temperature()),
        };
        pruner.prune_before_training(model, batches.batches(training), loss)?
    } else {
        pruner.attach(model)?
    };
    let model = phase.train(model, training, Some(&mut pruner))?;
    let report = pruner.report(&model);
    let model = pruner.finish(model)?;
    Ok(Outcome {
        scorer: scorer.to_string(),
        before_training: args.before_training,
        seed,
        epochs: args.epochs,
        dense_accuracy: dense.accuracy,
        pruned_accuracy: accuracy(&model, test, device),
        dense_bytes: dense.bytes,
        pruned_bytes: sizes(&model)?,
        dense_seconds: dense.seconds,
        pruned_seconds: start.elapsed().as_secs_f64(),
        report,
    })
}

/// While training: a cubic ramp from a tenth to six tenths of the steps, then a cool-down. Before:
/// the scorer's own rounds.
fn pruner(
    args: &Args,
    scorer: ScorerName,
    seed: u64,
    steps: usize,
    model: &Vit,
) -> Result<Pruner, Error> {
    let target = args.sparsity;
    let config = if args.before_training {
        scorer.rounds(ROUNDS, target)
    } else {
        PrunerConfig::new(CubicSchedule::new(window(steps, 0.1..0.6), target))
    };
    // The head stays dense, as in the paper; the positions are an embedding and stay by default.
    let selection = Selection::new().without(ParamGroup::from_paths(vec!["head.weight"]));
    let config = config.with_selection(selection);
    Ok(scorer.init(config, seed, model)?)
}

/// The bytes of a model's record, and of its sparse file.
fn sizes(model: &Vit) -> Result<[usize; 2], Error> {
    let record = model.clone().into_record().into_bytes()?;
    let (file, _) = SaveConfig::new().to_bytes(model)?;
    Ok([record.len(), file.len()])
}
