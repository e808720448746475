//! One SEVEN step over models of growing size: the time a weight should stay flat.

use burn_seven::SevenScorerConfig;
use burn_seven::internals::Selector;
use serde::Serialize;

use crate::measure::{Figures, HEAD, measure};
use crate::weights::{Layout, Weights};
use crate::{Error, ScaleArgs, copy, write_json};

/// A whole run.
#[derive(Debug, Serialize)]
struct Run {
    device: String,
    kernels: String,
    threads: usize,
    sizes: Vec<Size>,
}

/// The figures of one size.
#[derive(Debug, Serialize)]
struct Size {
    weights: u64,
    /// Nanoseconds to copy 16 bytes, by all cores.
    copy: f64,
    figures: Figures,
}

pub fn run(args: &ScaleArgs) -> Result<(), Error> {
    let device = burn_seven::device();
    let mut run = Run {
        device: format!("{device:?}"),
        kernels: Selector::default().kernels_at(&device).to_string(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        sizes: Vec::new(),
    };
    println!(
        "SEVEN on {}, {} threads, kernels {}",
        run.device, run.threads, run.kernels
    );
    println!("    weights    {HEAD}");
    for &weights in &args.sizes {
        let copy = copy::nanoseconds_of_16_bytes(&device)?;
        let matrices = Weights::random(weights as usize, Layout::Row, &device);
        let scorer = SevenScorerConfig::new().init();
        let figures = measure(scorer, &matrices, &device, args.repeat, copy, false)?;
        println!("{weights:>11}  {figures}");
        run.sizes.push(Size {
            weights,
            copy,
            figures,
        });
    }
    write_json(args.json.as_deref(), &run)
}
