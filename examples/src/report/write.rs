//! From files of results to tables and plots.

use std::fs;
use std::path::PathBuf;

use super::args::Args;
use super::error::Error;
use super::fill::fill;
use super::group::groups;
use super::plots::plots;
use super::read::read;
use super::tables::Tables;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What is worth a word, but no error.
    pub warnings: Vec<String>,
}

/// Reads the runs, and writes `tables.md`, the plots, and the files whose blocks are to be filled.
/// All is made before anything is written.
///
/// # Errors
///
/// What is wrong with the input, with a block of a file to fill, or with writing.
pub fn write(args: &Args) -> Result<Written, Error> {
    let input = read(&args.runs)?;
    let groups = groups(&input.entries)?;
    let tables = Tables::of(&groups);
    let mut files: Vec<(PathBuf, String)> = vec![(args.out.join("tables.md"), tables.document())];
    for plot in plots(&groups)? {
        files.push((args.out.join(plot.name), plot.svg));
    }
    for path in &args.fill {
        let old = fs::read_to_string(path).map_err(Error::io(path))?;
        files.push((path.clone(), fill(&old, &tables, path)?));
    }
    fs::create_dir_all(&args.out).map_err(Error::io(&args.out))?;
    for (path, text) in &files {
        fs::write(path, text).map_err(Error::io(path))?;
    }
    Ok(Written {
        files: files.into_iter().map(|(path, _)| path).collect(),
        warnings: input.warnings,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::finetune::Run;
    use crate::report::testing::{many, run, scored};
    use crate::scorer_name::ScorerName;

    /// Writes the runs to a file in the folder, and the report to `out` there.
    fn report(folder: &Path, runs: &[Run], fill: &[&str]) -> Result<Written, Error> {
        let lines: Vec<String> = runs
            .iter()
            .map(|run| serde_json::to_string(run).unwrap() + "\n")
            .collect();
        let path = folder.join("runs.jsonl");
        fs::write(&path, lines.concat()).unwrap();
        write(&Args {
            runs: vec![path],
            out: folder.join("deep/out"),
            fill: fill.iter().map(|name| folder.join(name)).collect(),
        })
    }

    /// Whether tags are closed in the order they were opened, and nothing is outside of the root.
    fn well_formed(svg: &str) -> bool {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = svg;
        while let Some(start) = rest.find('<') {
            let end = start + rest[start..].find('>').unwrap();
            let tag = &rest[start + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap());
            }
            if open.is_empty() && !rest.trim().is_empty() {
                return false;
            }
        }
        open.is_empty() && svg.starts_with("<svg ")
    }

    #[test]
    fn a_whole_experiment_becomes_tables_and_plots() {
        let folder = tempfile::tempdir().unwrap();
        let chapter = "# Results\n\n<!-- report:idea:sst2 -->\n<!-- report:end -->\nWords.\n";
        fs::write(folder.path().join("chapter.md"), chapter).unwrap();
        let written = report(folder.path(), &many(), &["chapter.md"]).unwrap();
        assert_eq!(written.warnings, Vec::<String>::new());
        let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
        let first: Vec<String> = written.files.iter().map(read).collect();
        assert_eq!(written.files.len(), 7);
        let tables = &first[0];
        for heading in [
            "before",
            "during",
            "others",
            "idea",
            "strategies",
            "paper",
            "time",
        ] {
            assert!(tables.contains(&format!("\n## {heading}: ")), "{heading}");
        }
        assert!(tables.contains("majority class 50.92"));
        assert!(tables.contains("| scorer | 0.5 | 0.7 | 0.8 | 0.9 |"));
        assert!(tables.contains("| sensitivity | all | 5 |"));
        assert!(tables.contains("| sgd, learning rate 1e-2 |"));
        assert!(tables.contains("| 0.9 | 83.40 | +8.70 |"));
        for svg in &first[1..6] {
            assert!(well_formed(svg));
            assert!(svg.contains("sensitivity") && !svg.contains("NaN"));
        }
        assert!(first[6].starts_with("# Results\n\n<!-- report:idea:sst2 -->\n\n**SST-2, "));
        assert!(first[6].ends_with("<!-- report:end -->\nWords.\n"));
        let again = report(folder.path(), &many(), &["chapter.md"]).unwrap();
        let second: Vec<String> = again.files.iter().map(read).collect();
        assert_eq!(first, second);
    }

    #[test]
    fn odd_runs_are_no_reason_to_panic() {
        let mut empty = run();
        empty.epochs.clear();
        empty.layers.clear();
        empty.losses.clear();
        let mut huge = run();
        huge.settings.when = crate::finetune::When::During;
        huge.losses = vec![(0, 1e300), (usize::MAX, -1e308), (5, 1e308)];
        huge.steps = usize::MAX;
        huge.layers[0].kept = usize::MAX;
        huge.seconds = f64::MAX;
        huge.settings.window_start = -1e300;
        huge.settings.learning_rate = 0.0;
        let mut named = run();
        named.metric = "a|<\u{0}>\n".to_string();
        named.majority.clear();
        let all = [
            empty,
            huge,
            named,
            scored(run(), ScorerName::Force, 1.0),
            run(),
        ];
        for odd in all {
            let folder = tempfile::tempdir().unwrap();
            let written = report(folder.path(), &[odd], &[]).unwrap();
            for path in &written.files[1..] {
                assert!(well_formed(&fs::read_to_string(path).unwrap()));
            }
        }
    }

    #[test]
    fn nothing_is_written_if_a_file_cannot_be_filled() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("chapter.md"), "<!-- report:none -->").unwrap();
        report(folder.path(), &[run()], &["chapter.md"]).unwrap_err();
        report(folder.path(), &[run()], &["missing.md"]).unwrap_err();
        assert!(!folder.path().join("deep").exists());
    }
}
