//! The file that a path stands for, and what its successor keeps of it.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Symbolic links that lead to one another; as many as Linux follows.
const LINKS: usize = 40;

/// Where a file is to be replaced.
#[derive(Debug)]
pub(super) struct Target {
    /// The path without a symbolic link at its end.
    pub path: PathBuf,
    /// What is there now.
    before: Option<Metadata>,
}

impl Target {
    /// # Errors
    ///
    /// When something else than a file is there.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_path_buf();
        for _ in 0..=LINKS {
            let before = match std::fs::symlink_metadata(&path) {
                Ok(metadata) => Some(metadata),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            match &before {
                Some(metadata) if metadata.is_symlink() => {
                    let next = std::fs::read_link(&path)?;
                    path = folder(&path).join(next);
                }
                Some(metadata) if !metadata.is_file() => {
                    return Err(io::Error::other(
                        "this is not a file, and cannot become one",
                    ));
                }
                _ => return Ok(Self { path, before }),
            }
        }
        Err(io::Error::other(format!(
            "this goes through more than {LINKS} symbolic links"
        )))
    }

    /// The folder that it is in.
    pub(super) fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// Whether something is there now.
    #[cfg(unix)]
    pub(super) fn exists(&self) -> bool {
        self.before.is_some()
    }

    /// Gives the file that is to take this place the owner, the group and the mode of the one that
    /// is there.
    #[cfg(unix)]
    pub(super) fn hand_over(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, fchown};

        let Some(before) = &self.before else {
            return Ok(());
        };
        let (user, group) = (before.uid(), before.gid());
        let keep = || {
            let now = file.metadata()?;
            if (now.uid(), now.gid()) != (user, group) {
                fchown(file, Some(user), Some(group))?;
            }
            // After the owner, since a change of that takes bits away.
            file.set_permissions(before.permissions())
        };
        keep().map_err(|error| {
            let mode = before.mode() & 0o7777;
            let text = format!("owner {user}:{group} and mode {mode:o} cannot be kept: {error}");
            io::Error::new(error.kind(), text)
        })
    }

    /// Elsewhere a new file has what its folder gives it.
    #[cfg(not(unix))]
    pub(super) fn hand_over(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_whether_something_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("below")).unwrap();
        symlink("below/second", at("first")).unwrap();
        symlink("../file", at("below/second")).unwrap();
        let target = Target::of(&at("first")).unwrap();
        assert_eq!(target.path, at("below/../file"));
        assert!(!target.exists());
        std::fs::write(at("file"), "text").unwrap();
        assert!(Target::of(&at("first")).unwrap().exists());
        let relative = Target::of(Path::new("Cargo.toml")).unwrap();
        assert_eq!(relative.folder(), Path::new("."));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Target::of(folder.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this is not a file, and cannot become one"
        );
        assert!(Target::of(Path::new("/dev/null")).is_err());
        let around = folder.path().join("around");
        symlink("around", &around).unwrap();
        let error = Target::of(&around).unwrap_err();
        assert!(error.to_string().contains("40 symbolic links"), "{error}");
    }
}
