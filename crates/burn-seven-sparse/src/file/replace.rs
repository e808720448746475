//! Replacing a file in one go, and two of them.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use super::target::Target;
use crate::SparseError;

/// What the names of temporary files start and end with; between is what no other file has.
const PREFIX: &str = ".burn-seven-";
const SUFFIX: &str = ".tmp";

/// How long nothing was written to a temporary file of a process that is gone. One that is in use
/// is written to all the time.
const LEFT: Duration = Duration::from_secs(60 * 60);

/// A file beside its target that takes the target's place, or is gone.
pub(super) struct Pending {
    file: NamedTempFile,
    target: Target,
    /// What the target was called.
    path: PathBuf,
}

impl Pending {
    /// Writes these parts, one after the other, to the disk.
    ///
    /// A path that is a symbolic link stands for what it points to. On Unix the new file has the
    /// mode, the owner and the group of the one that is there. What a killed process left beside
    /// it is removed when it is an hour old, and is not in the way before that.
    pub(super) fn write<'a>(
        path: &Path,
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, SparseError> {
        let write = || -> io::Result<(NamedTempFile, Target)> {
            let target = Target::of(path)?;
            remove_left(target.folder(), SystemTime::now());
            let file = temporary(&target)?;
            target.hand_over(file.as_file())?;
            let mut writer = BufWriter::new(file.as_file());
            for part in parts {
                writer.write_all(part)?;
            }
            writer.flush()?;
            drop(writer);
            file.as_file().sync_all()?;
            Ok((file, target))
        };
        let (file, target) = write().map_err(SparseError::io(path))?;
        let path = path.to_path_buf();
        Ok(Self { file, target, path })
    }

    /// Takes the target's place.
    pub(super) fn commit(self) -> Result<(), SparseError> {
        let Self { file, target, path } = self;
        match file.persist(&target.path) {
            Ok(_) => Ok(()),
            Err(failed) => Err(SparseError::io(&path)(failed.error)),
        }
    }
}

/// Both take their places, `last` last, or both targets are as they were.
pub(super) fn commit_both(first: Pending, last: Pending) -> Result<(), SparseError> {
    let target = first.path.clone();
    // Written before anything is replaced, so that little can go wrong with it later.
    let before = match std::fs::read(&target) {
        Ok(bytes) => Some(Pending::write(&target, std::iter::once(&bytes[..]))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(SparseError::io(&target)(error)),
    };
    first.commit()?;
    let Err(failed) = last.commit() else {
        return Ok(());
    };
    let restored = match before {
        Some(before) => before.commit(),
        None => std::fs::remove_file(&target).map_err(SparseError::io(&target)),
    };
    Err(match restored {
        Ok(()) => failed,
        Err(error) => SparseError::NotRestored {
            path: target.display().to_string(),
            failed: failed.to_string(),
            reason: error.to_string(),
        },
    })
}

/// An empty file of a name that is not there.
fn temporary(target: &Target) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    // By default nobody else may read it, until it has the mode of the file that is there. Where
    // there is none it has what any new file has.
    #[cfg(unix)]
    if !target.exists() {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    builder.tempfile_in(target.folder())
}

/// Removes the temporary files that processes left there when they were killed. What cannot be
/// looked at or removed stays: it is in nobody's way.
fn remove_left(folder: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with(PREFIX) || !name.ends_with(SUFFIX) {
            continue;
        }
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|time| now.duration_since(time).ok());
        if age.is_some_and(|age| age > LEFT) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn pending(target: &Path, text: &str) -> Pending {
        Pending::write(target, std::iter::once(text.as_bytes())).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_not_committed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let one = pending(&target, "one");
        assert_eq!((names(folder.path()).len(), target.exists()), (1, false));
        drop(one);
        assert!(names(folder.path()).is_empty());
        let parts = [b"two ".as_slice(), b"parts"];
        let two = Pending::write(&target, parts.into_iter()).unwrap();
        two.commit().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"two parts");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_a_killed_process_left_goes_after_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let left = |name: &str, minutes: u64| {
            let file = File::create(at(name)).unwrap();
            let time = SystemTime::now() - Duration::from_secs(60 * minutes);
            file.set_modified(time).unwrap();
        };
        left(".burn-seven-old.tmp", 61);
        left(".burn-seven-new.tmp", 59);
        left(".burn-seven-other", 61);
        left("burn-seven-other.tmp", 61);
        let ahead = File::create(at(".burn-seven-ahead.tmp")).unwrap();
        ahead.set_modified(SystemTime::now() + 2 * LEFT).unwrap();
        pending(&at("file"), "text").commit().unwrap();
        let stay = [
            ".burn-seven-ahead.tmp",
            ".burn-seven-new.tmp",
            ".burn-seven-other",
            "burn-seven-other.tmp",
            "file",
        ];
        assert_eq!(names(folder.path()), stay);
    }

    /// A folder comes to be where the second file should go, after that was written.
    #[test]
    fn two_files_are_replaced_or_none_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        let commit = |text: &str| commit_both(pending(&at("a"), text), pending(&at("b"), text));
        commit("one").unwrap();
        commit("two").unwrap();
        assert_eq!(
            (read("a"), read("b")),
            ("two".to_string(), "two".to_string())
        );

        let last = pending(&at("b"), "three");
        std::fs::remove_file(at("b")).unwrap();
        std::fs::create_dir(at("b")).unwrap();
        let error = commit_both(pending(&at("a"), "three"), last).unwrap_err();
        assert!(
            matches!(&error, SparseError::Io { path, .. } if path.ends_with("b")),
            "{error}"
        );
        assert_eq!(read("a"), "two");
        assert_eq!(names(folder.path()), ["a", "b"]);

        // Nor is one that was not there.
        std::fs::remove_file(at("a")).unwrap();
        std::fs::remove_dir(at("b")).unwrap();
        let last = pending(&at("b"), "three");
        std::fs::create_dir(at("b")).unwrap();
        assert!(commit_both(pending(&at("a"), "three"), last).is_err());
        assert_eq!(names(folder.path()), ["b"]);
    }

    /// Killed between the two, a process leaves a new first file, and the second as it was.
    #[test]
    fn the_second_file_is_replaced_last() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("b"), "one").unwrap();
        let first = pending(&at("a"), "two");
        // What is to take the first place is gone, so that this step fails.
        std::fs::remove_file(first.file.path()).unwrap();
        assert!(commit_both(first, pending(&at("b"), "two")).is_err());
        assert_eq!(std::fs::read(at("b")).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["b"]);
    }

    /// The text of a target is written while only the owner of the old one may read it.
    #[cfg(unix)]
    #[test]
    fn a_file_that_nobody_else_may_read_is_written_so() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        std::fs::write(&target, "one").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let usual = mode(&target);
        for kept in [0o600, 0o640, 0o444] {
            std::fs::set_permissions(&target, PermissionsExt::from_mode(kept)).unwrap();
            let two = pending(&target, "two");
            assert_eq!(mode(two.file.path()), kept);
            two.commit().unwrap();
            assert_eq!(mode(&target), kept);
        }
        std::fs::remove_file(&target).unwrap();
        pending(&target, "three").commit().unwrap();
        assert_eq!(mode(&target), usual);
    }
}
