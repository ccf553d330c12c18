//! An installation of this command's own, on a temporary data folder, and what killed commands have left of theirs.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use executor::{Executor as _, HostConfig, HostExecutor, Isolation};

use super::order::{DEFAULT_IMAGE, Order};
use crate::cli::CliError;
use crate::config::{self, Layers};
use crate::installation::{Installation, is_running};
use crate::up;

/// What the data folders are called.
const PREFIX: &str = "headworks-run-";
/// A folder in which something changed so lately may belong to a command that has not taken its lock yet.
const YOUNG: Duration = Duration::from_secs(60);
/// How long jobs may take to go when the user will not wait.
const END_LIMIT: Duration = Duration::from_secs(2);

/// An installation that runs.
pub struct Private {
    running: up::Running,
    dir: PathBuf,
}

impl Private {
    /// Makes the data folder and begins to drive. It listens on a port of the loopback address: the build's AWS.
    pub async fn open(layers: &Layers, order: &Order) -> Result<Private, CliError> {
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir().map_err(|e| {
            CliError::environment(format!("cannot make a temporary folder: {e}"))
                .hint("TMPDIR names where; there must be room for a copy of the source")
        })?;
        let layers = layers.clone().flag("data_dir", Some(dir.path().display())).flag("listen", Some("127.0.0.1:0"));
        let layers = layers.flag("database", Some("")).flag("endpoint", Some("")).flag("test_mode", Some("false"));
        let layers = layers.flag("region", order.aws.as_ref().and_then(|aws| aws.region.clone()));
        // Nobody who names no image waits for gigabytes of one; and only the sandbox can be looked into.
        let kind = if order.image == DEFAULT_IMAGE || order.shell { "host" } else { "auto" };
        let mut config = layers.or("executor.kind", kind).config()?;
        config.private =
            Some(config::Private { sources: order.folders(), in_place: order.in_place, hold_failed: order.shell });
        if let Some(aws) = &order.aws {
            // Told of no endpoint, the build's clients go to AWS.
            config.endpoint = Some(String::new());
            config.visible.extend(aws.folder.clone());
        }
        if order.batch && config.max_builds.is_none() {
            // A machine of one's own shall stay usable; the others wait in their queue.
            config.max_builds = std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok());
        }
        let running = up::start(config).await?;
        // From here on `close` removes it, which knows what builds leave.
        Ok(Private { running, dir: dir.keep() })
    }

    /// What runs.
    pub fn installation(&self) -> &Arc<Installation> {
        &self.running.installation
    }

    /// Ends the installation and removes all of it.
    pub async fn close(self) {
        self.running.stop().await;
        remove(self.dir).await;
    }

    /// The same at once: whatever runs is killed.
    pub async fn abandon(self) {
        let _ = tokio::time::timeout(END_LIMIT, self.running.installation.abandon()).await;
        remove(self.dir).await;
    }
}

async fn remove(dir: PathBuf) {
    let shown = dir.display().to_string();
    let removed = tokio::task::spawn_blocking(move || executor::remove_tree(&dir)).await;
    if let Ok(Err(e)) = removed {
        eprintln!("warning: {shown} is left behind: {e}");
    }
}

/// Removes the data folders of commands that were killed. Their jobs went with them.
pub async fn sweep() {
    for dir in left_behind(&std::env::temp_dir()) {
        let isolation = Isolation { isolated: true, user_namespace: false, limits: String::new() };
        let executor = HostExecutor::new(HostConfig::new(&dir), isolation);
        for job in executor.list().await.unwrap_or_default() {
            let _ = executor.destroy(&job.id).await;
        }
        remove(dir).await;
    }
}

/// Folders of this user that nobody holds.
fn left_behind(temporary: &Path) -> Vec<PathBuf> {
    let is_left = |path: &PathBuf| {
        let Ok(meta) = fs::symlink_metadata(path) else { return false };
        let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let ours = meta.uid() == rustix::process::geteuid().as_raw();
        let old = meta.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > YOUNG));
        named && meta.is_dir() && ours && old && !is_running(path)
    };
    fs::read_dir(temporary).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_left).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    #[test]
    fn only_old_folders_that_nobody_holds_are_left_behind() {
        let top = tempfile::tempdir().unwrap();
        let folder = |name: &str, old: bool| {
            let dir = top.path().join(name);
            fs::create_dir(&dir).unwrap();
            File::create(dir.join("lock")).unwrap();
            if old {
                let then = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
                File::open(&dir).unwrap().set_times(FileTimes::new().set_modified(then)).unwrap();
            }
            dir
        };
        let left = folder("headworks-run-left", true);
        folder("headworks-run-young", false);
        folder("something-else", true);
        let held = folder("headworks-run-held", true);
        let lock = File::open(held.join("lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        assert_eq!(left_behind(top.path()), [left]);
    }
}
