//! PyTorch's dense product, by a process that is asked for it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Error;

/// Answers each line `outputs inputs rows threads milliseconds` with the median in seconds.
const SCRIPT: &str = include_str!("torch_linear.py");

/// A running Python.
#[derive(Debug)]
pub struct Torch {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Torch {
    /// Starts `python`, which should have torch.
    pub fn start(python: &Path) -> Result<Self, Error> {
        let failed = |error| Error::Io(python.display().to_string(), error);
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            // Its threads should not wait on a core that the next product needs.
            .env("OMP_WAIT_POLICY", "PASSIVE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(asks), Some(answers)) => Ok(Self {
                child,
                asks,
                answers: BufReader::new(answers),
            }),
            _ => Err(Error::Torch("it has no pipes".to_string())),
        }
    }

    /// The median seconds of `torch.nn.functional.linear` with a bias.
    pub fn seconds(
        &mut self,
        [rows, inputs, outputs]: [usize; 3],
        threads: usize,
        milliseconds: u64,
    ) -> Result<f64, Error> {
        let failed = |error: std::io::Error| Error::Torch(error.to_string());
        writeln!(
            self.asks,
            "{outputs} {inputs} {rows} {threads} {milliseconds}"
        )
        .map_err(failed)?;
        self.asks.flush().map_err(failed)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(failed)?;
        let number = answer.trim().parse();
        number.map_err(|_| Error::Torch(format!("it answered {answer:?}")))
    }
}

impl Drop for Torch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
