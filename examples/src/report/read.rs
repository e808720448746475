//! Reading files of results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Error, Place};
use crate::finetune::Run;

/// A run and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The run.
    pub run: Run,
    /// Its line.
    pub place: Place,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The runs, in the order of the files.
    pub entries: Vec<Entry>,
    /// What is worth a word, but no error.
    pub warnings: Vec<String>,
}

/// Reads files of one run a line. Lines that are copies of each other count once.
///
/// # Errors
///
/// A file that cannot be read, a line that is not a run, a number that cannot be, two runs of the
/// same settings that are not the same, or no runs at all.
pub fn read(paths: &[PathBuf]) -> Result<Input, Error> {
    let mut input = Input::default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for path in paths {
        let bytes = fs::read(path).map_err(Error::io(path))?;
        for entry in lines(path, &bytes, &mut input.warnings)? {
            let place = entry.place.clone();
            let key = serde_json::to_string(&entry.run.settings);
            let key = key.map_err(|source| Error::Line { place, source })?;
            match seen.get(&key).map(|index| &input.entries[*index]) {
                Some(first) if first.run == entry.run => {}
                Some(first) => {
                    return Err(Error::Duplicate {
                        first: first.place.clone(),
                        second: entry.place,
                    });
                }
                None => {
                    seen.insert(key, input.entries.len());
                    input.entries.push(entry);
                }
            }
        }
    }
    if input.entries.is_empty() {
        let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
        return Err(Error::NoRuns(names.join(", ")));
    }
    Ok(input)
}

/// The runs of one file. A last line that was cut off, as by the end of the program that wrote it,
/// is left out with a warning.
fn lines(path: &Path, bytes: &[u8], warnings: &mut Vec<String>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::new(path, index + 1);
        match serde_json::from_slice::<Run>(line) {
            Ok(run) => {
                check(&run, &place)?;
                if run.result().is_none() {
                    let metric = &run.metric;
                    warnings.push(format!("{place}: no `{metric}` after the last epoch"));
                }
                entries.push(Entry { run, place });
            }
            Err(error) if error.is_eof() && !line.ends_with(b"\n") => {
                warnings.push(format!("{place}: left out, as its end is missing"));
            }
            Err(source) => return Err(Error::Line { place, source }),
        }
    }
    Ok(entries)
}

/// Refuses numbers that would make nonsense of means and axes.
fn check(run: &Run, place: &Place) -> Result<(), Error> {
    let shares = [
        ("settings.sparsity", run.settings.sparsity),
        ("sparsity", run.sparsity),
    ];
    let shares = shares.map(|(name, value)| (name.to_string(), value, 0.0, "[0, 1]"));
    let metrics = run.epochs.iter().chain([&run.majority]).flatten();
    let metrics = metrics.map(|(name, value)| (name.clone(), *value, -1.0, "[-1, 1]"));
    for (name, value, lowest, range) in shares.into_iter().chain(metrics) {
        if !(lowest..=1.0).contains(&value) {
            return Err(Error::Range {
                place: place.clone(),
                name,
                value,
                range,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{run, seeded};

    fn line(run: &Run) -> String {
        serde_json::to_string(run).unwrap() + "\n"
    }

    fn read_text(files: &[&str]) -> (Vec<PathBuf>, Result<Input, Error>) {
        let folder = tempfile::tempdir().unwrap();
        let write = |(index, text): (usize, &&str)| {
            let path = folder.path().join(format!("{index}.jsonl"));
            fs::write(&path, text).unwrap();
            path
        };
        let paths: Vec<PathBuf> = files.iter().enumerate().map(write).collect();
        let input = read(&paths);
        (paths, input)
    }

    #[test]
    fn runs_of_several_files_keep_their_places() {
        let [one, two] = [0, 1].map(|seed| line(&seeded(run(), seed, 0.8)));
        let (paths, input) = read_text(&[&one, &format!("\n{two}")]);
        let input = input.unwrap();
        assert_eq!(input.entries.len(), 2);
        assert_eq!(input.entries[1].place, Place::new(&paths[1], 2));
        assert_eq!(input.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_file_and_line() {
        let good = line(&run());
        for bad in ["{}\n", "{\"settings\":\n", "nonsense", "\u{0}\n"] {
            let (paths, input) = read_text(&[&format!("{good}{bad}")]);
            let error = input.unwrap_err().to_string();
            let place = Place::new(&paths[0], 2).to_string();
            assert!(error.starts_with(&place), "{error}");
        }
    }

    #[test]
    fn a_last_line_that_was_cut_off_is_left_out_with_a_warning() {
        let good = line(&run());
        for length in 1..good.len() - 1 {
            let (_, input) = read_text(&[&format!("{good}{}", &good[..length])]);
            let input = input.unwrap();
            assert_eq!(input.entries.len(), 1);
            assert!(input.warnings[0].ends_with("0.jsonl:2: left out, as its end is missing"));
        }
    }

    #[test]
    fn a_last_line_without_a_newline_counts_if_it_is_whole() {
        let (_, input) = read_text(&[line(&run()).trim_end()]);
        assert_eq!(input.unwrap().entries.len(), 1);
    }

    #[test]
    fn copies_count_once_and_other_runs_of_the_same_settings_are_an_error() {
        let first = line(&seeded(run(), 0, 0.8));
        let (_, input) = read_text(&[&first, &first]);
        assert_eq!(input.unwrap().entries.len(), 1);
        let second = line(&seeded(run(), 0, 0.9));
        let (paths, input) = read_text(&[&first, &second]);
        let [a, b] = [0, 1].map(|index| Place::new(&paths[index], 1));
        let expected = format!("{b} has the settings of {a}, but is another run");
        assert_eq!(input.unwrap_err().to_string(), expected);
    }

    #[test]
    fn no_runs_are_an_error() {
        let (_, input) = read_text(&["", "\n\n"]);
        assert!(input.unwrap_err().to_string().starts_with("no runs in "));
        let missing = read(&[PathBuf::from("missing.jsonl")]).unwrap_err();
        assert!(missing.to_string().starts_with("missing.jsonl: "));
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let (_, input) = read_text(&[&line(&seeded(run(), 0, 85.0))]);
        let error = input.unwrap_err().to_string();
        assert!(error.ends_with("1: accuracy is 85, but should be in [-1, 1]"));
        // JSON has no NaN: it is written as null, which is no number.
        let (_, input) = read_text(&[&line(&seeded(run(), 0, f64::NAN))]);
        assert!(input.unwrap_err().to_string().contains("null"));
    }

    #[test]
    fn a_run_without_epochs_is_read_with_a_warning() {
        let mut empty = run();
        empty.epochs.clear();
        let (_, input) = read_text(&[&line(&empty)]);
        let warning = &input.unwrap().warnings[0];
        assert!(warning.ends_with("1: no `accuracy` after the last epoch"));
    }
}
