//! A results file: one JSON line a run, appended when the run is over.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Error, Run, Settings};

/// A results file that runs are appended to.
pub struct Results {
    path: PathBuf,
    file: File,
    done: Vec<Settings>,
}

impl Results {
    /// Opens the file, or makes it. Half a line at its end, as a killed run leaves it, is cut off.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened, or a whole line that is no run.
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
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(io)?;
            file.seek(SeekFrom::End(0)).map_err(io)?;
        }
        let lines = text[..whole].lines().enumerate();
        let done = lines.map(|(index, line)| {
            let run: Run = serde_json::from_str(line).map_err(|error| Error::File {
                path: path.display().to_string(),
                place: format!("line {}", index + 1),
                text: error.to_string(),
            })?;
            Ok(run.settings)
        });
        Ok(Self {
            done: done.collect::<Result<_, Error>>()?,
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
    fn a_line_that_is_no_run_is_an_error_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        let error = Results::open(&path).err().unwrap().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
