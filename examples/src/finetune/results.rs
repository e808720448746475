//! A results file: one JSON line a run, appended when the run is over.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{Error, Run, Settings};

/// How every line starts.
const START: &str = "{\"settings\":";

fn starts(line: &str) -> bool {
    line.starts_with(START) || START.starts_with(line)
}

/// A results file that runs are appended to.
pub struct Results {
    path: PathBuf,
    file: File,
    done: Vec<Settings>,
}

impl Results {
    /// Opens the file, or makes it. Half a run at its end, as a killed program leaves it, is cut off.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened, or that holds something else than runs; it is unchanged then.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.display().to_string(),
            source,
        };
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(io)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io)?;
        let mut done = Vec::new();
        let mut whole = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            match serde_json::from_str::<Run>(line) {
                Ok(run) => done.push(run.settings),
                Err(error) if error.is_eof() && starts(line) => break,
                Err(error) => {
                    return Err(Error::File {
                        path: path.display().to_string(),
                        place: format!("line {}", index + 1),
                        text: error.to_string(),
                    });
                }
            }
            whole += line.len();
        }
        file.set_len(whole as u64).map_err(io)?;
        if !(text[..whole].is_empty() || text[..whole].ends_with('\n')) {
            file.write_all(b"\n").map_err(io)?;
        }
        Ok(Self {
            done,
            path: path.to_path_buf(),
            file,
        })
    }

    /// Whether a run of these settings is in the file.
    pub fn contains(&self, settings: &Settings) -> bool {
        self.done.contains(settings)
    }

    /// Appends a run, in one write.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn append(&mut self, run: &Run) -> Result<(), Error> {
        let io = |source| Error::Io {
            path: self.path.display().to_string(),
            source,
        };
        let mut line = serde_json::to_string(run).map_err(|error| io(error.into()))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(io)?;
        self.file.sync_data().map_err(io)?;
        self.done.push(run.settings.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::testing::{a_run, settings};

    #[test]
    fn runs_are_found_again_and_half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        let first = a_run(settings(&["--seed", "1"]));
        let second = a_run(settings(&["--seed", "2"]));

        Results::open(&path).unwrap().append(&first).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{}", &whole[..whole.len() / 2])).unwrap();
        let mut results = Results::open(&path).unwrap();
        assert!(results.contains(&first.settings) && !results.contains(&second.settings));
        results.append(&second).unwrap();

        let text = std::fs::read_to_string(&path).unwrap();
        let runs: Vec<Run> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(runs, [first, second]);
    }

    #[test]
    fn a_last_run_without_its_newline_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        let run = a_run(settings(&[]));
        let line = serde_json::to_string(&run).unwrap();
        std::fs::write(&path, &line).unwrap();
        assert!(Results::open(&path).unwrap().contains(&run.settings));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), line + "\n");
    }

    #[test]
    fn a_file_of_something_else_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.json");
        for text in ["[{\"seed\": [0, 1", "words", "{\"seed\": 1}"] {
            std::fs::write(&path, text).unwrap();
            assert!(Results::open(&path).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_line_that_is_no_run_is_an_error_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        let error = Results::open(&path).err().unwrap().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
