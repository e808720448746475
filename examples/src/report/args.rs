//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Makes tables and plots of the results of fine-tuning.
#[derive(Parser, Debug, Clone)]
#[command(name = "report")]
pub struct Args {
    /// Files of results, one run a line.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// The folder to write tables.md and the plots to; made if it is not there.
    #[arg(required = true)]
    pub out: PathBuf,
    /// A Markdown file whose blocks `<!-- report:NAME -->` to `<!-- report:end -->` are replaced by
    /// the table of that name; may be given again.
    #[arg(long, value_name = "FILE")]
    pub fill: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(std::iter::once("report").chain(args.iter().copied()))
    }

    #[test]
    fn the_last_path_is_the_folder() {
        let args = parsed(&["a.jsonl", "b.jsonl", "out", "--fill", "x.md"]).unwrap();
        assert_eq!(args.runs, ["a.jsonl", "b.jsonl"].map(PathBuf::from));
        assert_eq!(args.out, PathBuf::from("out"));
        assert_eq!(args.fill, [PathBuf::from("x.md")]);
    }

    #[test]
    fn a_folder_is_needed_besides_the_runs() {
        assert_eq!(parsed(&["a.jsonl"]).unwrap_err().exit_code(), 2);
    }
}
