//! This program again, for one number of threads.

use std::process::Command;

use super::NDARRAY_THREADS;
use crate::Error;

/// Runs it with the arguments that this one has, but for the threads and the file of figures, which
/// are given back.
pub fn run(threads: usize) -> Result<serde_json::Value, Error> {
    let failed = |error| Error::Io("this program".to_string(), error);
    let folder = tempfile::tempdir().map_err(failed)?;
    let json = folder.path().join("figures.json");
    let own = std::env::current_exe().map_err(failed)?;
    let done = Command::new(own)
        .args(std::env::args_os().skip(1))
        // Of arguments that are given twice the last ones count.
        .args(["--in-this-process", "--threads", &threads.to_string()])
        .arg("--json")
        .arg(&json)
        .env(NDARRAY_THREADS, threads.to_string())
        .status()
        .map_err(failed)?;
    if !done.success() {
        return Err(Error::Process("one number of threads"));
    }
    let text = std::fs::read_to_string(&json).map_err(failed)?;
    Ok(serde_json::from_str(&text)?)
}
