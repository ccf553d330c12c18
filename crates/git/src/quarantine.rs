//! Where pushed objects wait until they are found sound.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::process::Command;

use crate::{Error, Repository};

/// A folder beside the repository's objects; deleted when dropped.
pub(crate) struct Quarantine {
    objects: PathBuf,
    dir: PathBuf,
}

const PREFIX: &str = "incoming-";

impl Quarantine {
    pub(crate) fn new(repository: &Repository) -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let objects = repository.dir().join("objects");
        loop {
            let n = COUNT.fetch_add(1, Ordering::Relaxed);
            let dir = objects.join(format!("{PREFIX}{}-{n}", std::process::id()));
            match fs::create_dir(&dir) {
                // Left behind by a server that had the same process id.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(repository.gone()),
                Err(e) => return Err(Error::io("making the folder", &dir)(e)),
                Ok(()) => {}
            }
            let pack = dir.join("pack");
            let quarantine = Quarantine { objects, dir };
            fs::create_dir(&pack).map_err(Error::io("making the folder", &pack))?;
            return Ok(quarantine);
        }
    }

    /// Makes `git` write its objects here and see the repository's objects too.
    pub(crate) fn enter(&self, command: &mut Command) {
        command
            .env("GIT_OBJECT_DIRECTORY", &self.dir)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &self.objects)
            .env("GIT_QUARANTINE_PATH", &self.dir);
    }

    /// Moves the packs into the repository. They are flushed, and so is their folder.
    pub(crate) fn release(self) -> Result<(), Error> {
        let (from, to) = (self.dir.join("pack"), self.objects.join("pack"));
        let mut names = list(&from)?;
        // An index makes its pack visible, so it goes last.
        names.sort_by_key(|name| name.extension().is_some_and(|e| e == "idx"));
        for name in &names {
            let target = to.join(name);
            // The same objects pushed twice make the same pack.
            fs::rename(from.join(name), &target).map_err(Error::io("moving a pack to", &target))?;
        }
        if !names.is_empty() {
            File::open(&to).and_then(|dir| dir.sync_all()).map_err(Error::io("flushing", &to))?;
        }
        Ok(())
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.dir)
            && e.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.dir.display(), error = %e, "could not delete a push's quarantine");
        }
    }
}

/// Deletes quarantines that a killed server left. Only for the time before the repository is served.
pub(crate) fn sweep(repository: &Repository) -> Result<(), Error> {
    let objects = repository.dir().join("objects");
    for name in list(&objects)? {
        if name.to_string_lossy().starts_with(PREFIX) {
            let dir = objects.join(name);
            fs::remove_dir_all(&dir).map_err(Error::io("deleting", &dir))?;
        }
    }
    Ok(())
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(dir).map_err(Error::io("listing", dir))?;
    entries
        .map(|e| e.map(|e| PathBuf::from(e.file_name())))
        .collect::<Result<_, _>>()
        .map_err(Error::io("listing", dir))
}
