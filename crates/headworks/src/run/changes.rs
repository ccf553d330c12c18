//! Waits until something changes in the sources (`--watch`).

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

use super::order::Order;
use crate::cli::CliError;

/// Editors and `git checkout` write many files: so long nothing more may happen before the next run.
const QUIET: Duration = Duration::from_millis(100);

/// Sources that are watched. Begun before a run copies them, so that a change during the run counts.
pub struct Changes(AsyncFd<OwnedFd>);

impl Changes {
    /// Begins to watch every folder of every source, and the buildspec.
    pub fn watch(order: &Order) -> Result<Changes, CliError> {
        let written = order.artifacts.iter().chain(&order.reports).filter_map(|dir| dir.canonicalize().ok());
        let written: Vec<PathBuf> = written.collect();
        begin(&order.folders(), &order.buildspec.file, &written).map_err(|e| {
            CliError::environment(format!("cannot watch the sources: {e}"))
                .hint("sysctl fs.inotify.max_user_watches says how many folders can be watched")
        })
    }

    /// Ends when something has changed and nothing more happens for a moment.
    pub async fn wait(&mut self) -> Result<(), CliError> {
        self.drain().await?;
        while tokio::time::timeout(QUIET, self.drain()).await.is_ok() {}
        Ok(())
    }

    /// Waits for events and drops them.
    async fn drain(&mut self) -> Result<(), CliError> {
        let mut guard = self.0.readable().await.map_err(CliError::environment)?;
        let mut buffer = [0; 4096];
        while matches!(rustix::io::read(guard.get_inner().as_fd(), &mut buffer[..]), Ok(n) if n > 0) {}
        guard.clear_ready();
        Ok(())
    }
}

#[expect(deprecated, reason = "its safe form is sound here: the descriptor is owned and never replaced")]
fn begin(folders: &[PathBuf], buildspec: &Path, written: &[PathBuf]) -> io::Result<Changes> {
    let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let what = WatchFlags::CLOSE_WRITE
        | WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::ATTRIB
        | WatchFlags::DONT_FOLLOW
        | WatchFlags::EXCL_UNLINK;
    let mut open = folders.to_vec();
    while let Some(dir) = open.pop() {
        // git writes in its own folder whenever it looks at the files; what is delivered would set off the next run.
        if dir.file_name().is_some_and(|name| name == ".git") || written.contains(&dir) {
            continue;
        }
        inotify::add_watch(&fd, &dir, what)?;
        let inside = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
        open.extend(fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path()).filter(inside));
    }
    if !folders.iter().any(|folder| buildspec.starts_with(folder)) {
        // Editors put another file in its place, so it is the folder that is watched.
        inotify::add_watch(&fd, buildspec.parent().unwrap_or(Path::new("/")), what)?;
    }
    Ok(Changes(AsyncFd::new(fd)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_seen_and_what_is_delivered_or_gits_own_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["src/deep", ".git", "out"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let file = root.join("buildspec.yml");
        let mut changes = begin(std::slice::from_ref(&root), &file, &[root.join("out")]).unwrap();
        fs::write(root.join(".git/index"), "x").unwrap();
        fs::write(root.join("out/file"), "x").unwrap();
        assert!(tokio::time::timeout(QUIET * 3, changes.wait()).await.is_err());
        fs::write(root.join("src/deep/file"), "x").unwrap();
        changes.wait().await.unwrap();
        assert!(tokio::time::timeout(QUIET * 3, changes.wait()).await.is_err());
    }
}
