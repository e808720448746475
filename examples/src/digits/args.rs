//! The command line.

use std::path::PathBuf;

use burn_seven::Sparsity;
use clap::Parser;

use crate::scorer_name::ScorerName;

/// Trains a small vision Transformer on handwritten digits, prunes it, and shows what is left.
#[derive(Parser, Debug, Clone)]
#[command(name = "digits")]
pub struct Args {
    /// Which scorer prunes.
    #[arg(long, value_enum, default_value_t = ScorerName::Seven, conflicts_with = "compare")]
    pub scorer: ScorerName,
    /// The share of weights to remove, in [0, 1).
    #[arg(long, default_value = "0.9", value_parser = sparsity)]
    pub sparsity: Sparsity,
    /// Prune before fine-tuning, not while.
    #[arg(long)]
    pub before_training: bool,
    /// The seed of weights, batches and dropout.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Run this many seeds, from --seed on, and show mean and standard deviation.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Epochs of dense training, and as many of pruning.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub epochs: u64,
    /// Compare all scorers in one table.
    #[arg(long)]
    pub compare: bool,
    /// Write all results to this file as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

fn sparsity(text: &str) -> Result<Sparsity, String> {
    let value: f64 = text.parse().map_err(|error| format!("{error}"))?;
    Sparsity::new(value).map_err(|error| error.to_string())
}

impl Args {
    /// Whether the scorer is meant for pruning when these arguments have it prune.
    pub fn fits(&self, scorer: ScorerName) -> bool {
        match self.before_training {
            true => scorer.before_training(),
            false => scorer.while_training(),
        }
    }

    /// Checks what single arguments cannot show.
    ///
    /// # Errors
    ///
    /// A clap error, whose `exit` prints it and exits with 2.
    pub fn validate(self) -> Result<Self, clap::Error> {
        if !self.compare && !self.fits(self.scorer) {
            let text = match self.before_training {
                true => "learns from training steps and cannot prune before training",
                false => "prunes before training only: give --before-training",
            };
            let text = format!("--scorer {} {text}", self.scorer);
            let mut command = <Self as clap::CommandFactory>::command();
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(args: &[&str], expected: &str) {
        let all = std::iter::once("digits").chain(args.iter().copied());
        let error = Args::try_parse_from(all)
            .and_then(Args::validate)
            .expect_err("refused");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn wrong_arguments_are_refused_with_their_reason() {
        refused(
            &["--sparsity", "1.5"],
            "sparsity is 1.5, but should be in [0, 1)",
        );
        refused(&["--sparsity", "most"], "invalid float literal");
        refused(&["--scorer", "eight"], "possible values: seven");
        refused(&["--seeds", "0"], "0 is not in 1..=1000");
        refused(&["--epochs", "-3"], "unexpected argument");
        refused(
            &["--scorer", "movement", "--before-training"],
            "cannot prune before training",
        );
        refused(&["--scorer", "grasp"], "prunes before training only");
        refused(&["--scorer", "snip", "--compare"], "cannot be used with");
        refused(&["--spartsity", "0.5"], "unexpected argument");
    }
}
