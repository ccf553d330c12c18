//! Removing what is left of builds that are over.
//!
//! A build's end leaves an effect that removes its job and its folder, and is tried until it has. Whatever puts something
//! there after that (an engine that dealt late with a request of a process that is dead, a child of a server that was
//! killed) is found here. What belongs to no build in the database stays for ever: another database than the folder's may
//! have been named by mistake, and then it is somebody's work.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::error::Error as StdError;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Machine, Timestamp};
use engine::build::Build;
use engine::sandbox::{Sandbox, SandboxState};
use futures_util::future::BoxFuture;
use store::{Error, Tx, machine, outbox, setback};

use crate::PerformError;
use crate::build::remove;
use crate::cx::DriverCx;
use crate::sweep::Sweep;

/// Removes jobs and folders of builds and sandboxes that are over and for which nothing is to be done any more.
#[derive(Debug, Default)]
pub struct LeftoverSweep {
    /// What could not be removed: how often, and when it is tried again.
    failed: Mutex<HashMap<String, (i64, Timestamp)>>,
    /// What belongs to no build that is known. A build's row is there before anything else of it, so that stays so.
    strangers: Mutex<HashSet<String>>,
}

impl Sweep for LeftoverSweep {
    fn name(&self) -> &'static str {
        "leftovers"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> BoxFuture<'a, Result<(), Box<dyn StdError + Send + Sync>>> {
        Box::pin(async {
            if !cx.executor.is_decided() {
                // A server that starts has others to serve first.
                return Ok(());
            }
            cx.executor.tidy().await;
            let builds = cx.cx.site.data_dir.join("builds");
            // Looked at first: a build's row is there before anything else of it.
            let mut found: BTreeSet<String> = cx.executor.remains().await?.into_iter().collect();
            found.extend(folders(&builds)?);
            found.retain(|id| is_uuid(id));
            self.failed().retain(|id, _| found.contains(id));
            self.strangers().retain(|id| found.contains(id));
            if found.is_empty() {
                return Ok(());
            }
            for id in self.left(cx, found).await? {
                match clear(cx, &builds.join(&id), &id).await {
                    Ok(()) => tracing::info!(build.uuid = id, "what was left of a build that is over was removed"),
                    Err(e) => {
                        let mut failed = self.failed();
                        let (tries, again) = failed.entry(id.clone()).or_insert((0, Timestamp::EPOCH));
                        *tries += 1;
                        let pause = setback::pause(*tries);
                        *again = cx.cx.now() + pause;
                        let cause = e.source().map(ToString::to_string).unwrap_or_default();
                        tracing::warn!(
                            build.uuid = id, error = %e, cause, retry_in_seconds = pause.as_secs(),
                            "what is left of a build that is over cannot be removed"
                        );
                    }
                }
            }
            Ok(())
        })
    }
}

impl LeftoverSweep {
    fn failed(&self) -> MutexGuard<'_, HashMap<String, (i64, Timestamp)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strangers(&self) -> MutexGuard<'_, HashSet<String>> {
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to go, of what was found.
    async fn left(&self, cx: &DriverCx, mut found: BTreeSet<String>) -> Result<Vec<String>, Error> {
        let mut tx = cx.cx.store.read().await?;
        let wanted = wanted(&mut tx).await?;
        let now = cx.cx.now();
        found.retain(|id| !wanted.contains(id) && !self.strangers().contains(id));
        found.retain(|id| self.failed().get(id).is_none_or(|(_, again)| *again <= now));
        let mut left = Vec::new();
        for id in found {
            let mut is_known = false;
            for kind in [Build::KIND, Sandbox::KIND] {
                is_known = is_known || machine::any_ending(&mut tx, kind, &format!(":{id}")).await?;
            }
            if is_known {
                left.push(id);
            } else {
                self.strangers().insert(id);
            }
        }
        Ok(left)
    }
}

/// The builds and sandboxes that are not over, and those for which something is still to be done: that includes their end's
/// clean-up, which needs what is there. In this order: what ends in between is in the second.
async fn wanted(tx: &mut Tx) -> Result<HashSet<String>, Error> {
    let mut ids = machine::with_status(tx, Build::KIND, "IN_PROGRESS").await?;
    for status in SandboxState::OPEN {
        ids.extend(machine::with_status(tx, Sandbox::KIND, status).await?);
    }
    for kind in [Build::KIND, Sandbox::KIND] {
        ids.extend(outbox::owed(tx, kind).await?);
    }
    Ok(ids.iter().map(|id| uuid(id).to_owned()).collect())
}

async fn clear(cx: &DriverCx, work_dir: &Path, id: &str) -> Result<(), PerformError> {
    cx.executor.destroy(id).await.map_err(|e| PerformError::new("remove a build's job", e))?;
    remove(work_dir).await
}

/// What builds' folders and jobs are called by.
fn uuid(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or_default()
}

/// Whatever else somebody keeps there is none of our business.
fn is_uuid(name: &str) -> bool {
    let groups: Vec<&str> = name.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn folders(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
