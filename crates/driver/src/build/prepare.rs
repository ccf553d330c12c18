//! Makes the job's folder, fetches the sources, reads the buildspec.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use base::JobSpec;
use engine::build::{BuildInput, BuildspecFrom, Place, Request, SourceFailure, Sourced, Stage};
use executor::{Executor, ExecutorError};
use platform::{Cx, Disk};
use store::outbox::Claimed;

use super::cache::with_layers;
use super::credentials::as_role;
use super::provision::provision;
use super::registry::{NoLogin, with_login};
use super::{answer, fetch};
use crate::PerformError;

/// A buildspec is text that somebody wrote; more than this is something else.
const MAX_BUILDSPEC_BYTES: u64 = 1 << 20;

/// With less than this left a disk is full: what could not be written was larger.
const FULL_BYTES: u64 = 1 << 20;

/// What went wrong while preparing: the user's failure, or ours to be tried again.
pub(crate) enum Trouble {
    Failure(SourceFailure),
    Retry(PerformError),
}

impl Trouble {
    /// A failure of DOWNLOAD_SOURCE.
    pub fn source(code: &str, message: impl Into<String>) -> Self {
        Trouble::Failure(SourceFailure::Source { code: code.to_owned(), message: message.into() })
    }
}

impl From<PerformError> for Trouble {
    fn from(e: PerformError) -> Self {
        Trouble::Retry(e)
    }
}

pub(super) async fn prepare(
    cx: &Cx,
    executor: &Arc<dyn Executor>,
    claimed: &Claimed,
    request: &Request,
) -> Result<(), PerformError> {
    match answer::state(cx, claimed).await? {
        Some(state) if state.completed().is_none() => {}
        Some(_) | None => return answer::done(cx, claimed).await,
    }
    // A try that was cut short may have left a part, and that may be what the disk is full of.
    remove(&request.work_dir).await?;
    cx.site.disk.look_quietly();
    // Nothing is fetched onto a full disk: the build stays where it is, and its page says why.
    cx.room().map_err(|e| PerformError::new("begin a build", e))?;
    let Err(e) = attempt(cx, executor, claimed, request).await else { return Ok(()) };
    cx.site.disk.look_quietly();
    // Programs say only that they could not write, so what is free there counts as well.
    let free_bytes = Disk::new(&request.work_dir, 0, 0).free_bytes();
    let is_full = cx.room().is_err() || is_full_disk(&e) || free_bytes < FULL_BYTES;
    // Nobody works there any more, unless another server has taken over and fetched it all.
    let state = answer::state(cx, claimed).await?;
    if state.is_none_or(|state| matches!(state.stage, Stage::QueuedToPrepare | Stage::Preparing)) {
        remove(&request.work_dir).await?;
    }
    // The next try would fill it again, and take the room from whoever else has work.
    if is_full {
        let state = answer::tell(cx, claimed, BuildInput::DiskFull {}).await?;
        if state.is_none_or(|state| state.completed().is_some()) {
            tracing::error!(build.id = %claimed.machine_id, "a build is ended: its sources do not fit on the disk");
            return answer::done(cx, claimed).await;
        }
    }
    Err(e)
}

/// Whether something could not be written because there was no room for it, also on another disk than the data's.
pub(super) fn is_full_disk(e: &(dyn Error + 'static)) -> bool {
    let io = e.downcast_ref::<io::Error>();
    io.is_some_and(|e| matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
        // What an `io::Error` was made of is not its source; only the source of that is.
        || io.and_then(io::Error::get_ref).is_some_and(|inner| is_full_disk(inner))
        || e.source().is_some_and(is_full_disk)
}

async fn attempt(
    cx: &Cx,
    executor: &Arc<dyn Executor>,
    claimed: &Claimed,
    request: &Request,
) -> Result<(), PerformError> {
    let began = BuildInput::Began { key: claimed.key.clone(), at: cx.now() };
    let (told, work) = tokio::join!(answer::tell(cx, claimed, began), work(cx, executor, claimed, request));
    told?;
    let input = match work {
        Ok(sourced) => BuildInput::Prepared { key: claimed.key.clone(), sourced },
        Err(Trouble::Failure(failure)) => BuildInput::PrepareFailed { key: claimed.key.clone(), failure },
        Err(Trouble::Retry(e)) => return Err(e),
    };
    let state = answer::result(cx, claimed, input).await?;
    if state.is_none_or(|state| state.completed().is_some()) {
        // Stopped while it was prepared, after whoever cleans up had been there.
        remove(&request.work_dir).await?;
    }
    Ok(())
}

async fn work(cx: &Cx, executor: &Arc<dyn Executor>, claimed: &Claimed, request: &Request) -> Result<Sourced, Trouble> {
    let spec = with_layers(cx, request, &probe(request)).await?;
    let spec = match with_login(cx, executor.as_ref(), request, &spec).await {
        Ok(spec) => spec,
        Err(NoLogin::Failure(reason)) => return Err(Trouble::Failure(SourceFailure::Environment { reason })),
        Err(NoLogin::Retry(e)) => return Err(e.into()),
    };
    let environment = match provision(cx, executor, claimed, &request.logs, &spec).await {
        Ok(environment) => environment,
        Err(ExecutorError::Unfit { reason, .. }) => {
            return Err(Trouble::Failure(SourceFailure::Environment { reason }));
        }
        Err(e) => return Err(PerformError::new("prepare a build's environment", e).into()),
    };
    let provisioned = cx.now();
    let Fetched { resolved_version, secondary_versions, buildspec } = sources(cx, request).await?;
    Ok(Sourced { provisioned, environment, resolved_version, secondary_versions, buildspec })
}

/// What fetching brought.
pub(crate) struct Fetched {
    pub resolved_version: Option<String>,
    /// By source identifier.
    pub secondary_versions: BTreeMap<String, String>,
    pub buildspec: String,
}

/// Fetches the sources of a request into its folder, which does not exist yet, and reads its buildspec; all of it as its
/// project's role.
pub(crate) async fn sources(cx: &Cx, request: &Request) -> Result<Fetched, Trouble> {
    let cx = &as_role(cx, request).await?;
    // A source that is built in place is elsewhere.
    make(&request.work_dir).await?;
    make(&request.source_dir()).await?;
    let resolved_version = fetch::fetch(cx, request, &request.source, &request.source_dir()).await?;
    let mut secondary_versions = BTreeMap::new();
    for (index, source) in request.secondary_sources.iter().enumerate() {
        let dir = request.secondary_dir(index);
        make(&dir).await?;
        if let (Some(version), Some(identifier)) =
            (fetch::fetch(cx, request, source, &dir).await?, source.identifier.clone())
        {
            secondary_versions.insert(identifier, version);
        }
    }
    let buildspec = buildspec(cx, request).await?;
    Ok(Fetched { resolved_version, secondary_versions, buildspec })
}

/// Enough of a job for an executor to say whether it could run it.
fn probe(request: &Request) -> JobSpec {
    JobSpec {
        id: request.uuid.clone(),
        steps: Vec::new(),
        shell: "sh".to_owned(),
        env: BTreeMap::new(),
        masked: Vec::new(),
        work_dir: request.work_dir.clone(),
        current_dir: request.source_dir(),
        exported: Vec::new(),
        succeeding_variable: None,
        limits: request.limits,
        timeout_seconds: u64::from(request.timeout_minutes) * 60,
        announce: false,
        container: request.container(),
        files: Vec::new(),
        trust: None,
        hold: base::JobHold::Never,
        routes: Vec::new(),
        loopback: Vec::new(),
    }
}

async fn buildspec(cx: &Cx, request: &Request) -> Result<String, Trouble> {
    match &request.buildspec {
        BuildspecFrom::Inline(text) => Ok(text.clone()),
        BuildspecFrom::Object(Place { bucket, key }) => fetch::text(cx, bucket, key, MAX_BUILDSPEC_BYTES).await,
        BuildspecFrom::File(path) => {
            let (dir, path) = (request.source_dir(), path.clone());
            let read = tokio::task::spawn_blocking(move || read_inside(&dir, &path));
            match read.await.map_err(|e| PerformError::new("read the buildspec", e))? {
                Ok(text) => Ok(text),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let BuildspecFrom::File(path) = &request.buildspec else { unreachable!("matched above") };
                    Err(Trouble::source("YAML_FILE_ERROR", format!("YAML file does not exist: {path}")))
                }
                Err(e) => Err(Trouble::source("YAML_FILE_ERROR", e.to_string())),
            }
        }
    }
}

/// Reads a file of the source. A source may hold links; they must not make us read what is ours.
fn read_inside(dir: &Path, path: &str) -> io::Result<String> {
    let root = dir.canonicalize()?;
    let file = root.join(path).canonicalize()?;
    let refused = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if !file.starts_with(&root) {
        return refused(format!("{path} lies outside the source"));
    }
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > MAX_BUILDSPEC_BYTES {
        return refused(format!("{path} is not a file of at most {MAX_BUILDSPEC_BYTES} bytes"));
    }
    let bytes = std::fs::read(&file)?;
    String::from_utf8(bytes).or_else(|_| refused(format!("{path} is not text in UTF-8")))
}

pub(super) async fn make(dir: &Path) -> Result<(), PerformError> {
    tokio::fs::create_dir_all(dir).await.map_err(|e| PerformError::new(format!("make {}", dir.display()), e))
}

/// Removes a folder with all that is in it; builds leave what they want, also folders that nobody may write.
pub(crate) async fn remove(dir: &Path) -> Result<(), PerformError> {
    let doing = || format!("remove {}", dir.display());
    let doomed = dir.to_owned();
    let removed = tokio::task::spawn_blocking(move || executor::remove_tree(&doomed));
    removed.await.map_err(|e| PerformError::new(doing(), e))?.map_err(|e| PerformError::new(doing(), e))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_full_disk_is_known_wherever_in_the_chain_it_is_named() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for e in [
            PerformError::new("write", full()),
            PerformError::new("write", io::Error::other(full())),
            PerformError::new("write", PerformError::new("write", full())),
            PerformError::new("write", io::Error::other(PerformError::new("write", full()))),
        ] {
            assert!(is_full_disk(&e), "{e:?}");
        }
        assert!(!is_full_disk(&PerformError::new("write", io::Error::other("no"))));
    }

    /// Root may write in every folder, so root runs this test again as somebody else.
    #[tokio::test]
    async fn what_a_build_left_read_only_is_removed_by_a_server_that_is_not_root() {
        let top = tempfile::tempdir().unwrap();
        if fs::metadata(top.path()).unwrap().uid() == 0 {
            return as_nobody(
                "build::prepare::tests::what_a_build_left_read_only_is_removed_by_a_server_that_is_not_root",
            );
        }
        let work = top.path().join("build");
        fs::create_dir_all(work.join("modules/cache")).unwrap();
        fs::write(work.join("modules/cache/file"), "x").unwrap();
        for dir in ["modules/cache", "modules"] {
            fs::set_permissions(work.join(dir), Permissions::from_mode(0o555)).unwrap();
        }
        super::remove(&work).await.unwrap();
        assert!(!work.exists());
        super::remove(&work).await.unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "the test must run as another user")]
    fn as_nobody(test: &str) {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
        match command.output() {
            Ok(output) if matches!(output.status.code(), Some(126 | 127)) => {
                eprintln!("SKIPPED: nobody may not run this: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
            Ok(output) => {
                assert!(output.status.success(), "{output:?}");
                assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
            }
            Err(error) => eprintln!("SKIPPED: there is no setpriv here: {error}"),
        }
    }
}
