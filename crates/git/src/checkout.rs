//! A commit's files written into a folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::{Error, Kind, Mode, ObjectId, Repository, process};

/// Larger files are written by the `git` program, which does not hold them in our memory.
const IN_MEMORY_BYTES: u64 = 32 << 20;
/// The longest path that Linux takes.
const MAX_TARGET_BYTES: u64 = 4096;

impl Repository {
    /// Whether the files of `commit` can be written: what [`checkout`](Self::checkout) would refuse, before any is.
    pub(crate) fn check_tree(&self, commit: ObjectId) -> Result<(), Error> {
        let objects = self.objects()?;
        let tree = objects.commit(objects.peel_to_commit(commit)?)?.tree;
        objects.walk(tree, &mut Vec::new(), 0, &mut |entry| {
            if !safe_name(entry.path.rsplit(|b| *b == b'/').next().unwrap_or_default()) {
                return Err(Error::UnsafePath(entry.path_text()));
            }
            if entry.mode == Mode::Link {
                let what = || format!("the target of the link {}", entry.path_text());
                objects.fits(entry.id, what, MAX_TARGET_BYTES)?;
            }
            Ok(())
        })
    }

    /// Writes the files of `commit` into `dir`, which must be empty or not exist yet.
    ///
    /// Nothing is written outside `dir`: every folder is made here and every file is new, so no link that the commit
    /// brings is ever followed. Links are written last, with whatever target they have; a reader must mind them.
    /// Submodules become empty folders. No line endings or filters are applied.
    pub fn checkout(&self, commit: ObjectId, dir: &Path) -> Result<(), Error> {
        let objects = self.objects()?;
        fs::create_dir_all(dir).map_err(Error::io("making the folder", dir))?;
        if fs::read_dir(dir).map_err(Error::io("listing", dir))?.next().is_some() {
            let taken = std::io::Error::from(std::io::ErrorKind::DirectoryNotEmpty);
            return Err(Error::io("checking out into", dir)(taken));
        }
        let tree = objects.commit(objects.peel_to_commit(commit)?)?.tree;
        let mut links: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        objects.walk(tree, &mut Vec::new(), 0, &mut |entry| {
            let name = entry.path.rsplit(|b| *b == b'/').next().unwrap_or_default();
            if !safe_name(name) {
                return Err(Error::UnsafePath(entry.path_text()));
            }
            let path = dir.join(std::ffi::OsStr::from_bytes(&entry.path));
            match entry.mode {
                Mode::Tree | Mode::Submodule => fs::create_dir(&path).map_err(Error::io("making the folder", &path)),
                Mode::Link => {
                    objects.fits(
                        entry.id,
                        || format!("the target of the link {}", entry.path_text()),
                        MAX_TARGET_BYTES,
                    )?;
                    links.push((path, objects.read(entry.id, Kind::Blob)?));
                    Ok(())
                }
                Mode::File | Mode::Executable => {
                    let mut file = File::create_new(&path).map_err(Error::io("creating", &path))?;
                    if objects.blob_size(entry.id)? > IN_MEMORY_BYTES {
                        process::blob_into(self.dir(), entry.id, &file)?;
                    } else {
                        let content = objects.read(entry.id, Kind::Blob)?;
                        file.write_all(&content).map_err(Error::io("writing", &path))?;
                    }
                    let bits = if entry.mode == Mode::Executable { 0o755 } else { 0o644 };
                    file.set_permissions(fs::Permissions::from_mode(bits))
                        .map_err(Error::io("setting the mode of", &path))
                }
            }
        })?;
        for (path, target) in links {
            symlink(std::ffi::OsStr::from_bytes(&target), &path).map_err(Error::io("linking", &path))?;
        }
        Ok(())
    }
}

/// What git itself refuses to write: names that leave the folder, and `.git` however its case is.
fn safe_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name != b"."
        && name != b".."
        && !name.contains(&b'/')
        && !name.contains(&0)
        && !name.eq_ignore_ascii_case(b".git")
}
