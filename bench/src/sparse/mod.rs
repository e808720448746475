//! Sparse times dense against dense times dense, and a whole encoder either way.

mod contender;
mod encoder;
mod faer_product;
mod process;
mod products;
mod summary;
mod torch;

use burn_seven::internals::Selector;
use serde::Serialize;

use crate::{Error, SparseArgs, write_json};

/// A whole run with one number of threads.
#[derive(Debug, Serialize)]
struct Run {
    device: String,
    level: String,
    threads: usize,
    products: Vec<products::Figures>,
    encoder: encoder::Figures,
}

/// What ndarray's product takes its number of threads from, when the process starts.
const NDARRAY_THREADS: &str = "MATMUL_NUM_THREADS";

/// Runs both parts with one thread and with all, each in a process of its own.
pub fn run(args: &SparseArgs) -> Result<(), Error> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match (&args.threads[..], all) {
        ([], 1) => vec![1],
        ([], all) => vec![1, all],
        (threads, _) => threads.to_vec(),
    };
    if args.in_this_process {
        // Those that the process was started with come last.
        return measure(args, threads.last().copied().unwrap_or(all));
    }
    let mut runs = Vec::new();
    for threads in threads {
        runs.push(process::run(threads)?);
    }
    write_json(args.json.as_deref(), &runs)
}

/// Runs both parts with so many threads.
fn measure(args: &SparseArgs, threads: usize) -> Result<(), Error> {
    let device = burn_seven::device();
    let level = format!("{:?}", burn_seven_cpu::sparse::Level::best());
    println!(
        "sparse times dense, f32; {device:?}, kernels {} with {level}",
        Selector::default().kernels_at(&device),
    );
    // One thread, and PyTorch's, keep to one core: cores may differ in pace. What starts from here on
    // inherits it.
    if threads == 1
        && let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied())
        && !core_affinity::set_for_current(core)
    {
        println!("the thread may change cores");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| Error::Threads(threads, error.to_string()))?;
    let torch = args.torch.as_deref().map(torch::Torch::start).transpose()?;
    let products = pool.install(|| products::run(args, &device, threads, torch))?;
    summary::print(&products, threads);
    let encoder = pool.install(|| encoder::run(args, &device, threads))?;
    let run = Run {
        device: format!("{device:?}"),
        level,
        threads,
        products,
        encoder,
    };
    write_json(args.json.as_deref(), &run)
}
