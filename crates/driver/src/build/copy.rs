//! Copies a folder of this machine as a source. Blocks on the disk.
//!
//! The copy shares nothing with the original that a write would reach: file systems that can (btrfs, xfs) share the blocks
//! until one side writes, and hard links become files of their own. Times are kept, since `make` and its like go by them.

use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// Why a folder was not copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    /// The user's side.
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Our side.
    #[error("cannot write {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Copies what is in `from` into the empty folder `to`: files, folders and links as they are. What is neither (sockets,
/// devices) and the folder `without` stay out; what goes away meanwhile does, too.
pub(super) fn copy_folder(from: &Path, to: &Path, without: &Path) -> Result<(), CopyError> {
    // Folders get their mode and times last: what is copied into them changes the times and needs a writable mode.
    let mut finished: Vec<(PathBuf, fs::Metadata)> = Vec::new();
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        let entries = match fs::read_dir(&from) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound && !finished.is_empty() => continue,
            Err(source) => return Err(CopyError::Read { path: from, source }),
        };
        for entry in entries {
            let entry = entry.map_err(read(&from))?;
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            let meta = match fs::symlink_metadata(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                meta => meta.map_err(read(&path))?,
            };
            if path == without {
                continue;
            }
            if meta.is_dir() {
                fs::create_dir(&target).map_err(write(&target))?;
                finished.push((target.clone(), meta));
                open.push((path, target));
            } else if meta.is_symlink() {
                let leads_to = fs::read_link(&path).map_err(read(&path))?;
                symlink(leads_to, &target).map_err(write(&target))?;
            } else if meta.is_file() {
                copy_file(&path, &target, &meta)?;
            }
        }
    }
    for (path, meta) in finished.into_iter().rev() {
        // A build writes where the source may be read-only.
        let mode = Permissions::from_mode(meta.permissions().mode() & 0o777 | 0o700);
        fs::set_permissions(&path, mode).map_err(write(&path))?;
        File::open(&path).and_then(|dir| dir.set_times(times(&meta))).map_err(write(&path))?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path, meta: &fs::Metadata) -> Result<(), CopyError> {
    let mut reading = match File::open(from) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(read(from))?,
    };
    let mut writing = File::create_new(to).map_err(write(to))?;
    // Between two files the kernel copies, and shares the blocks where it can.
    io::copy(&mut reading, &mut writing).map_err(write(to))?;
    let mode = Permissions::from_mode(meta.permissions().mode() & 0o777 | 0o200);
    writing.set_permissions(mode).and_then(|()| writing.set_times(times(meta))).map_err(write(to))
}

fn times(meta: &fs::Metadata) -> FileTimes {
    meta.modified().map_or_else(|_| FileTimes::new(), |time| FileTimes::new().set_modified(time))
}

fn read(path: &Path) -> impl FnOnce(io::Error) -> CopyError {
    |source| CopyError::Read { path: path.to_owned(), source }
}

fn write(path: &Path) -> impl FnOnce(io::Error) -> CopyError {
    |source| CopyError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    struct Folders {
        _top: tempfile::TempDir,
        from: PathBuf,
        to: PathBuf,
    }

    fn folders() -> Folders {
        let top = tempfile::tempdir().unwrap();
        let (from, to) = (top.path().join("from"), top.path().join("to"));
        fs::create_dir_all(&from).unwrap();
        fs::create_dir_all(&to).unwrap();
        Folders { _top: top, from, to }
    }

    #[test]
    fn files_folders_links_modes_and_times_come_along() {
        let Folders { from, to, _top } = folders();
        fs::create_dir_all(from.join(".git/refs")).unwrap();
        fs::write(from.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(from.join("run.sh"), "echo\n").unwrap();
        fs::set_permissions(from.join("run.sh"), Permissions::from_mode(0o755)).unwrap();
        symlink("/nowhere", from.join("link")).unwrap();
        let then = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::open(from.join("run.sh")).unwrap().set_times(FileTimes::new().set_modified(then)).unwrap();
        copy_folder(&from, &to, Path::new("/data")).unwrap();
        assert_eq!(fs::read_to_string(to.join(".git/HEAD")).unwrap(), "ref: refs/heads/main\n");
        assert!(to.join(".git/refs").is_dir());
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("/nowhere"));
        let meta = fs::metadata(to.join("run.sh")).unwrap();
        assert_eq!((meta.mode() & 0o777, meta.modified().unwrap()), (0o755, then));
    }

    #[test]
    fn a_hard_link_becomes_a_file_of_its_own() {
        let Folders { from, to, _top } = folders();
        fs::write(from.join("a"), "original").unwrap();
        fs::hard_link(from.join("a"), from.join("b")).unwrap();
        copy_folder(&from, &to, Path::new("/data")).unwrap();
        fs::write(to.join("a"), "changed").unwrap();
        assert_eq!(fs::read_to_string(from.join("a")).unwrap(), "original");
        assert_eq!(fs::read_to_string(to.join("b")).unwrap(), "original");
    }

    #[test]
    fn the_data_folder_stays_out_and_what_is_read_only_can_be_written_in_the_copy() {
        let Folders { from, to, _top } = folders();
        fs::create_dir_all(from.join("data/builds")).unwrap();
        fs::create_dir_all(from.join("locked")).unwrap();
        fs::write(from.join("locked/file"), "x").unwrap();
        fs::set_permissions(from.join("locked/file"), Permissions::from_mode(0o444)).unwrap();
        fs::set_permissions(from.join("locked"), Permissions::from_mode(0o555)).unwrap();
        copy_folder(&from, &to, &from.join("data")).unwrap();
        assert!(!to.join("data").exists());
        fs::write(to.join("locked/file"), "y").unwrap();
        fs::set_permissions(from.join("locked"), Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_source_that_is_not_there_is_named() {
        let Folders { from, to, _top } = folders();
        let missing = from.join("missing");
        match copy_folder(&missing, &to, Path::new("/data")).unwrap_err() {
            CopyError::Read { path, .. } => assert_eq!(path, missing),
            other => panic!("{other}"),
        }
    }
}
