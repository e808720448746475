//! Trains a vision Transformer on handwritten digits, then prunes it without training it, by each
//! solver. `--help` lists the choices.

use std::error::Error;

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use burn_seven::Sparsity;
use burn_seven::after::{After, AfterReport, Pattern, Solver};
use burn_seven_examples::digits::{Digits, Vit, VitConfig};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;

#[derive(Parser)]
struct Args {
    /// Epochs that the dense model is trained for.
    #[arg(long, default_value_t = 20)]
    epochs: usize,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many training images the solvers see, in whole batches of 64.
    #[arg(long, default_value_t = 512)]
    samples: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let device = burn_seven::device();
    let (training, test) = Digits::load()?;
    let goals = [
        ("50 %", Sparsity::new(0.5)?, None),
        ("60 %", Sparsity::new(0.6)?, None),
        ("70 %", Sparsity::new(0.7)?, None),
        ("80 %", Sparsity::new(0.8)?, None),
        (
            "2:4",
            Sparsity::new(0.5)?,
            Some(Pattern::NOfM { kept: 2, of: 4 }),
        ),
    ];
    let ways = [
        ("magnitude", Solver::Magnitude, false),
        ("magnitude, refit", Solver::Magnitude, true),
        ("Wanda", Solver::Wanda, false),
        ("Wanda, refit", Solver::Wanda, true),
        ("SparseGPT", Solver::SparseGpt, false),
        ("SparseGPT, refit", Solver::SparseGpt, true),
    ];
    for seed in 0..args.seeds {
        let model = train(&training, args.epochs, seed, &device.clone().autodiff())?.valid();
        let right = |model: &Vit| 100.0 * test.share_right(&device, |images| model.forward(images));
        println!(
            "seed {seed}: test accuracy of the dense model {:.2} %",
            right(&model)
        );
        let names: String = goals
            .iter()
            .map(|(name, ..)| format!("{name:>8}"))
            .collect();
        println!("{:20}{names}", "pruned to");
        let batches = training
            .batches(64, &device)
            .take(args.samples.div_ceil(64));
        let calibration: Vec<Tensor<3>> = batches.map(|batch| batch.images).collect();
        let mut last = None;
        for (name, solver, refit) in ways {
            let mut row = format!("{name:20}");
            for (_, sparsity, pattern) in &goals {
                // As usual with these methods, what embeds and what classifies is left alone.
                let mut after = After::new(solver, *sparsity)
                    .with_refit(refit)
                    .with_layer("patch.weight", Sparsity::DENSE)
                    .with_layer("head.weight", Sparsity::DENSE);
                if let Some(pattern) = pattern {
                    after = after.with_pattern(*pattern);
                }
                let (pruned, report) = prune(&after, &model, &calibration)?;
                row += &format!("{:8.2}", right(&pruned));
                last = Some(report);
            }
            println!("{row}");
        }
        if let (0, Some(report)) = (seed, last) {
            println!("\nthe last one, layer by layer\n{report}");
        }
    }
    Ok(())
}

fn prune(
    after: &After,
    model: &Vit,
    calibration: &[Tensor<3>],
) -> Result<(Vit, AfterReport), Box<dyn Error>> {
    let mut run = after.start(model, calibration, Vit::forward)?;
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} layers: {msg}")?;
    let bar = ProgressBar::new(run.total() as u64).with_style(style);
    while let Some(layer) = run.next_layer()? {
        bar.set_message(layer.path.clone());
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(run.finish())
}

fn train(data: &Digits, epochs: usize, seed: u64, device: &Device) -> Result<Vit, Box<dyn Error>> {
    device.seed(seed);
    let mut model = VitConfig::new().init(device);
    let mut optim = AdamWConfig::new().init();
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..epochs {
        for batch in data.epoch(32, &mut rng, device) {
            let grads = GradientsParams::from_grads(model.loss(&batch).backward(), &model);
            model = optim.step(1e-3, model, grads);
        }
    }
    Ok(model)
}
