//! Compiled models and their eager runs, by a process that answers lines: what
//! `benches/compare_onnxruntime.py` times beside ONNX Runtime.

mod case;
mod cnn;
mod models;
mod protocol;
mod tensors;

use std::io::{BufRead, Write};

use crate::{CompiledArgs, Error};
use case::Case;
use protocol::{Answer, Ask};

/// Answers each line of the standard input with one on the standard output, until there are no more.
pub fn run(args: &CompiledArgs) -> Result<(), Error> {
    // What starts from here on inherits it.
    if args.threads == 1
        && let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied())
        && !core_affinity::set_for_current(core)
    {
        eprintln!("the thread may change cores");
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build_global()
        .map_err(|error| Error::Threads(args.threads, error.to_string()))?;
    let failed = |error| Error::Io("a line".to_string(), error);
    let mut loaded = None;
    for line in std::io::stdin().lock().lines() {
        let ask = serde_json::from_str(&line.map_err(failed)?)?;
        let answer = serde_json::to_string(&answer(&mut loaded, ask)?)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")
            .and_then(|()| out.flush())
            .map_err(failed)?;
    }
    Ok(())
}

fn answer(loaded: &mut Option<Box<dyn Case>>, ask: Ask) -> Result<Answer, Error> {
    match ask {
        Ask::Case(wanted) => {
            *loaded = None; // makes room first
            let (case, seconds) = models::load(&wanted)?;
            *loaded = Some(case);
            Ok(Answer::Compiled(seconds))
        }
        Ask::Run { way, times } => {
            let case = current(loaded)?;
            let seconds = (0..times).map(|_| case.seconds(way));
            Ok(Answer::Seconds(seconds.collect::<Result<_, _>>()?))
        }
        Ask::Output { way, path } => {
            tensors::write(&path, &current(loaded)?.output(way)?)?;
            Ok(Answer::Done(true))
        }
        Ask::Report {} => {
            eprintln!("{}", current(loaded)?.report()?);
            Ok(Answer::Done(true))
        }
    }
}

fn current(loaded: &Option<Box<dyn Case>>) -> Result<&dyn Case, Error> {
    loaded.as_deref().ok_or(Error::NoCase)
}
