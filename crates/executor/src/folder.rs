//! A job's folder: what lies where, and what it says about the job.
//!
//! ```text
//! JOBS/ID/           the id, percent-encoded
//!   plan.json        what to run; holds secrets, 0600
//!   plan.taken.json  the same, once a shim has taken it; removed as soon as the sandbox stands
//!   journal          records (see `journal`); its shim holds a POSIX lock on it; the first record means "begun"
//!   cancel           exists = asked to end
//!   way              how to get into a job that takes visitors
//!   held             exists = it waits where it failed
//!   resume           exists = it may go on
//!   order-*.json     commands that a job which waits for some has not taken yet
//!   outcome.json     written once, atomically
//!   cgroups          the job's cgroup folders, one a line
//!   container.json   which container belongs to the job, if one does
//!   attendant        the container's attendant holds a POSIX lock on it
//!   shim.log         what the shim itself had to complain about
//!   control/         the shell's command files and pipes
//!   files/           what the job sees in place of the machine's files
//!   engine/          the storage of the job's own container engine
//!   root layers hide tmp    the sandbox's mount points and writable layers; its shim removes them after the outcome
//! ```

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base::{CommandOrder, JobOutcome};
use rustix::process::{Flock, FlockOffsetType, FlockType};

use crate::JobState;

const ORDER: &str = "order-";

/// The paths in one job's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Folder(path.into())
    }

    pub fn of(jobs_dir: &Path, id: &str) -> Self {
        Folder(jobs_dir.join(encode(id)))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    pub fn taken_plan(&self) -> PathBuf {
        self.0.join("plan.taken.json")
    }

    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    pub fn cancel(&self) -> PathBuf {
        self.0.join("cancel")
    }

    pub fn way(&self) -> PathBuf {
        self.0.join("way")
    }

    pub fn held(&self) -> PathBuf {
        self.0.join("held")
    }

    pub fn resume(&self) -> PathBuf {
        self.0.join("resume")
    }

    /// Where an ordered command is put down.
    pub fn order(&self, order: &CommandOrder) -> PathBuf {
        self.0.join(format!("{ORDER}{:020}-{}.json", order.submitted.micros(), encode(&order.id)))
    }

    /// The orders that nobody has taken, the oldest first.
    pub fn orders(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(ORDER) && name.ends_with(".json") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    pub fn outcome(&self) -> PathBuf {
        self.0.join("outcome.json")
    }

    pub fn cgroups(&self) -> PathBuf {
        self.0.join("cgroups")
    }

    pub fn container(&self) -> PathBuf {
        self.0.join("container.json")
    }

    pub fn attendant(&self) -> PathBuf {
        self.0.join("attendant")
    }

    pub fn shim_log(&self) -> PathBuf {
        self.0.join("shim.log")
    }

    pub fn control(&self) -> PathBuf {
        self.0.join("control")
    }

    pub fn engine(&self) -> PathBuf {
        self.0.join("engine")
    }

    pub fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// What only a running job needs: mount points and writable layers.
    pub fn sandbox_dirs(&self) -> [PathBuf; 7] {
        ["root", "layers", "hide", "tmp", "control", "files", "engine"].map(|name| self.0.join(name))
    }

    /// How the job ended, if it is written down.
    pub fn read_outcome(&self) -> io::Result<Option<JobOutcome>> {
        match fs::read(self.outcome()) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whether commands may have run.
    pub fn has_begun(&self) -> bool {
        std::fs::metadata(self.journal()).is_ok_and(|m| m.len() > 0)
    }

    /// Where the job stands. `None`: there is no such folder.
    pub fn state(&self) -> io::Result<Option<JobState>> {
        // The order matters: an outcome is written before the lock is let go, so "no lock" is only believed when there
        // still is no outcome afterwards.
        if !self.0.try_exists()? {
            return Ok(None);
        }
        if self.outcome().try_exists()? {
            return Ok(Some(JobState::Ended));
        }
        let journal = match File::open(self.journal()) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Some(JobState::Waiting)),
            Err(e) => return Err(e),
        };
        if is_locked(&journal)? {
            return Ok(Some(JobState::Running));
        }
        if self.outcome().try_exists()? {
            return Ok(Some(JobState::Ended));
        }
        Ok(Some(if journal.metadata()?.len() > 0 { JobState::Lost } else { JobState::Waiting }))
    }
}

/// Whether another process holds the journal's lock. Asks without taking it, so that asking disturbs no shim that is
/// about to take it.
pub(crate) fn is_locked(journal: &File) -> io::Result<bool> {
    Ok(lock_of(journal)?.is_some())
}

/// The lock that another process holds. Who that is, is not known of one in a PID namespace that is not ours.
pub(crate) fn lock_of(file: &File) -> io::Result<Option<Flock>> {
    let wanted = Flock { start: 0, length: 0, pid: None, typ: FlockType::ReadLock, offset_type: FlockOffsetType::Set };
    Ok(rustix::process::fcntl_getlk(file, &wanted)?)
}

/// Makes a folder in a job's folder; an existing one is fine. A job's folder that is gone is not made again: nobody would
/// remove it.
pub(crate) fn make_part(path: &Path, mode: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes a folder for the owner only; an existing one is fine.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file in one step: after a crash there is the old content or the new one. Durable when it returns.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    // Two tasks of one server may write the same file.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.{count}.tmp", rustix::process::getpid().as_raw_nonzero()));
    let temporary = PathBuf::from(name);
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_dir(path.parent().unwrap_or(Path::new("/")))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a tree, also when what is in it was made read-only: a server that is not root could not remove what its jobs
/// leave otherwise. No link is followed. A missing tree is fine. Blocks on the disk.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => {}
    }
    open_up(path)?;
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Gives the owner access to every folder below, so that its entries can be removed.
fn open_up(path: &Path) -> io::Result<()> {
    let mut left = vec![path.to_owned()];
    while let Some(dir) = left.pop() {
        match open_one(&dir, &mut left) {
            // Somebody else removes it at the same time.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            opened => opened?,
        }
    }
    Ok(())
}

fn open_one(dir: &Path, inner: &mut Vec<PathBuf>) -> io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            inner.push(entry.path());
        }
    }
    Ok(())
}

/// An id as a file name: what is not a plain character becomes `%XX`.
pub(crate) fn encode(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for (i, byte) in id.bytes().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if i > 0 => name.push('.'),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}

/// The id that [`encode`] made a name of.
pub(crate) fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    loop {
        match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', high, low, tail @ ..] => {
                let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                rest = tail;
            }
            [b'%', ..] => return None,
            [byte, tail @ ..] => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_survives_being_a_file_name() {
        for id in ["plain-1", "project:1b2c", "../../etc", ".", "..", "a/b", "ü%20"] {
            let name = encode(id);
            assert!(!name.contains('/') && !name.starts_with('.') && !name.is_empty(), "{name}");
            assert_eq!(decode(&name).as_deref(), Some(id));
        }
    }

    #[test]
    fn a_tree_with_read_only_folders_can_be_removed() {
        let top = tempfile::tempdir().unwrap();
        let tree = top.path().join("job");
        let inner = tree.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("f"), "x").unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o000)).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        remove_tree(&tree).unwrap();
    }
}
