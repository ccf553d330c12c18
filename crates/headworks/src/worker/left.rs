//! What a worker that was killed has left behind in a folder that outlives it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde_json::{Value, json};

use super::folder::{JOB_FILE, JOB_ID};
use super::job::acknowledged;
use super::result::{Outcome, report};
use crate::cli::CliError;
use crate::client::Client;

/// The folder of a worker's jobs, held by it alone.
pub(super) struct Place {
    path: PathBuf,
    _lock: File,
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    /// Takes the folder, or one of its own.
    pub(super) fn take(wanted: Option<&Path>) -> Result<Place, CliError> {
        let temporary = match wanted {
            Some(_) => None,
            None => {
                Some(tempfile::Builder::new().prefix("headworks-worker-").tempdir().map_err(CliError::environment)?)
            }
        };
        let path = wanted.or(temporary.as_ref().map(tempfile::TempDir::path)).unwrap_or(Path::new("."));
        fs::create_dir_all(path).map_err(|e| CliError::environment(e).before(path.display()))?;
        let path = fs::canonicalize(path).map_err(|e| CliError::environment(e).before(path.display()))?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join("lock"));
        let lock = lock.map_err(|e| CliError::environment(e).before(path.display()))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            CliError::user(format!("another worker has the folder {}", path.display()))
                .hint("give each worker a folder of its own with --work")
        })?;
        Ok(Place { path, _lock: lock, _temporary: temporary })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The jobs that were never ended, for a worker that can go on with them.
    pub(super) fn left(&self) -> Result<Vec<Value>, CliError> {
        let mut jobs = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(CliError::environment)? {
            let dir = entry.map_err(CliError::environment)?.path();
            let Ok(whose) = fs::read_to_string(dir.join(JOB_ID)) else { continue };
            let (id, nonce) = whose.split_once('\n').unwrap_or((&whose, ""));
            let told = fs::read_to_string(dir.join(JOB_FILE)).unwrap_or_default();
            match serde_json::from_str::<Value>(&told) {
                Ok(data) => jobs.push(json!({"id": id, "nonce": nonce, "data": data})),
                // It ended before the job was acknowledged: its folder was not whole yet.
                Err(_) => fs::remove_dir_all(&dir).map_err(|e| CliError::environment(e).before(dir.display()))?,
            }
        }
        Ok(jobs)
    }

    /// Reports the jobs that were never ended as failures, so that their pipelines need not wait until their time is over.
    pub(super) async fn clear(&self, client: &Client) -> Result<(), CliError> {
        for entry in fs::read_dir(&self.path).map_err(CliError::environment)? {
            let dir = entry.map_err(CliError::environment)?.path();
            let Ok(whose) = fs::read_to_string(dir.join(JOB_ID)) else { continue };
            let (job, nonce) = whose.split_once('\n').unwrap_or((&whose, ""));
            // Without its nonce the job may be another worker's by now, and that one's result counts.
            if acknowledged(client, job, nonce).await {
                eprintln!("[{job}] was begun by a worker that is gone");
                report(client, job, Outcome::failed("The worker ended while it ran this job.".to_owned())).await;
            }
            fs::remove_dir_all(&dir).map_err(|e| CliError::environment(e).before(dir.display()))?;
        }
        Ok(())
    }
}
