//! Makes tables and plots of the results of fine-tuning. `--help` lists the choices.

use std::process::ExitCode;

use burn_seven_examples::report::{Args, write};
use clap::Parser;

fn main() -> ExitCode {
    match write(&Args::parse()) {
        Ok(written) => {
            for path in written.files {
                println!("{}", path.display());
            }
            for warning in written.warnings {
                eprintln!("report: {warning}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("report: {error}");
            ExitCode::FAILURE
        }
    }
}
