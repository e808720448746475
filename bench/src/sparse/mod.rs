//! Sparse times dense against dense times dense, and a whole encoder either way.

mod contender;
mod dense;
mod encoder;
mod products;
mod summary;
mod torch;

use burn_seven::Selector;
use serde::Serialize;

use crate::{Error, SparseArgs, write_json};

/// A whole run.
#[derive(Debug, Serialize)]
struct Run {
    device: String,
    level: String,
    threads: Vec<usize>,
    products: Vec<products::Figures>,
    encoders: Vec<encoder::Figures>,
}

/// Runs both parts, with one thread and with all.
pub fn run(args: &SparseArgs) -> Result<(), Error> {
    let device = burn_seven::device();
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match (&args.threads[..], all) {
        ([], 1) => vec![1],
        ([], all) => vec![1, all],
        (threads, _) => threads.to_vec(),
    };
    let mut run = Run {
        device: format!("{device:?}"),
        level: format!("{:?}", burn_seven_cpu::sparse::Level::best()),
        threads: threads.clone(),
        products: Vec::new(),
        encoders: Vec::new(),
    };
    println!(
        "sparse times dense, f32; {}, kernels {} with {}",
        run.device,
        Selector::default().kernels_at(&device),
        run.level
    );
    let mut torch = args.torch.as_deref().map(torch::Torch::start).transpose()?;
    for &threads in &threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads(threads, error.to_string()))?;
        let torch = torch.as_mut();
        let products = pool.install(|| products::run(args, &device, threads, torch))?;
        summary::print(&products, threads);
        run.products.extend(products);
    }
    for &threads in &threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads(threads, error.to_string()))?;
        let figures = pool.install(|| encoder::run(args, &device, threads))?;
        run.encoders.push(figures);
    }
    write_json(args.json.as_deref(), &run)
}
