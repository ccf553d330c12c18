//! Whether this machine lets jobs be kept apart; asked once, at start, by really doing it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::time::Duration;

use base::{JobLimits, JobOutcome, JobSpec, JobStep};
use futures_util::StreamExt as _;

use super::{HostConfig, HostExecutor};
use crate::jobs::{DOOMED, SAID_NOTHING};
use crate::shim::available_cgroups;
use crate::{Executor as _, ExecutorError, JobReport, Position};

/// How jobs are kept apart here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// False only with `allow_unisolated`.
    pub isolated: bool,
    /// Namespaces of an ordinary user: packages of the system cannot be installed.
    pub user_namespace: bool,
    /// Which limits control groups hold; the others are held for each process alone.
    pub limits: String,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match (self.isolated, self.user_namespace) {
            (false, _) => "NO isolation: jobs see and change this machine as the server does",
            (true, false) => "a copy-on-write view of this machine in own mount, PID and IPC namespaces",
            (true, true) => {
                "a copy-on-write view of this machine in a user namespace (the server is not root: jobs cannot \
                 install system packages)"
            }
        };
        write!(f, "host: {how}; {}", self.limits)
    }
}

/// Why jobs cannot run on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("jobs cannot be isolated on this machine: {reason}")]
pub struct Unavailable {
    pub reason: String,
    /// What the operator can do.
    pub hint: String,
}

impl HostExecutor {
    /// An executor whose first job finds out whether this machine can keep jobs apart: it does not start where that is not
    /// so. For whoever runs one job, to which the trial would be half of the work; [`hint`] says what to do then.
    pub fn untried(config: HostConfig) -> HostExecutor {
        let user_namespace = !rustix::process::geteuid().is_root();
        HostExecutor::new(config, Isolation { isolated: true, user_namespace, limits: limits_text() })
    }

    /// Runs an empty job to see whether this machine can keep jobs apart, and makes an executor that does so.
    ///
    /// # Errors
    /// When it cannot, and `allow_unisolated` is not set.
    pub async fn probe(config: HostConfig) -> Result<HostExecutor, Unavailable> {
        let user_namespace = !rustix::process::geteuid().is_root();
        let limits = limits_text();
        let isolated = Isolation { isolated: true, user_namespace, limits: limits.clone() };
        let executor = HostExecutor::new(config.clone(), isolated);
        let mut tried = try_out(&executor).await;
        for _ in 0..TRIES {
            let Err(Fault::Lost(reason)) = &tried else { break };
            tracing::warn!(reason, "the trial of the sandbox got lost and is made again");
            tokio::time::sleep(PAUSE).await;
            tried = try_out(&executor).await;
        }
        match tried.map_err(|(Fault::Refused(reason) | Fault::Lost(reason))| reason) {
            Ok(()) => Ok(executor),
            Err(reason) if config.allow_unisolated => {
                tracing::warn!(reason, "jobs run without isolation, as the configuration allows");
                Ok(HostExecutor::new(config, Isolation { isolated: false, user_namespace: false, limits }))
            }
            Err(reason) => Err(Unavailable { hint: hint(&reason), reason }),
        }
    }
}

/// How often a trial is made again that got lost, and after which time.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// Why a trial did not end well.
enum Fault {
    /// The machine does not allow it.
    Refused(String),
    /// Something else came in between (a full disk, a killed shim): it says nothing of the machine.
    Lost(String),
}

/// What trials are called.
const PROBE: &str = "probe-";

/// Removes what trials of servers that were killed have left.
async fn remove_old(executor: &HostExecutor) {
    for entry in fs::read_dir(executor.jobs_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // One that was being removed already has another name.
        let Some(id) = name.strip_prefix(DOOMED).or(Some(&name)).filter(|id| id.starts_with(PROBE)) else { continue };
        if executor.destroy(id).await.is_err() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Runs `true` in a sandbox; the error is the reason.
async fn try_out(executor: &HostExecutor) -> Result<(), Fault> {
    remove_old(executor).await;
    let id = format!("{PROBE}{}", rustix::process::getpid().as_raw_nonzero());
    let work_dir = executor.jobs_dir().join(format!("{id}-work"));
    fs::create_dir_all(&work_dir).map_err(|e| Fault::Lost(format!("{}: {e}", work_dir.display())))?;
    let step = JobStep { name: "PROBE".into(), commands: vec!["true".into()], ..JobStep::default() };
    let spec = JobSpec {
        id: id.clone(),
        steps: vec![step],
        shell: "sh".into(),
        env: BTreeMap::new(),
        masked: Vec::new(),
        current_dir: work_dir.clone(),
        work_dir: work_dir.clone(),
        exported: Vec::new(),
        succeeding_variable: None,
        limits: JobLimits::default(),
        timeout_seconds: 30,
        announce: false,
        container: base::JobContainer::default(),
        files: Vec::new(),
        trust: None,
        hold: base::JobHold::Never,
        routes: Vec::new(),
        loopback: Vec::new(),
    };
    let result = outcome_of(executor, &spec).await;
    let _ = executor.destroy(&id).await;
    let _ = fs::remove_dir_all(&work_dir);
    result
}

async fn outcome_of(executor: &HostExecutor, spec: &JobSpec) -> Result<(), Fault> {
    executor.start(spec).await.map_err(|e| match e {
        ExecutorError::Io { .. } => Fault::Lost(e.to_string()),
        ExecutorError::Unfit { reason, .. } => Fault::Refused(reason),
        ExecutorError::Shim { ref reason, .. } if reason.contains(SAID_NOTHING) => Fault::Lost(e.to_string()),
        ExecutorError::UnknownJob(_) | ExecutorError::Shim { .. } => Fault::Refused(e.to_string()),
    })?;
    let mut reports = executor.follow(&spec.id, Position::START);
    while let Some(report) = reports.next().await {
        match report.map_err(|e| Fault::Lost(e.to_string()))? {
            JobReport::Ended(JobOutcome::Finished { .. }) => return Ok(()),
            JobReport::Ended(JobOutcome::NotStarted { reason }) => return Err(Fault::Refused(reason)),
            JobReport::Ended(JobOutcome::Lost { reason, .. }) => return Err(Fault::Lost(reason)),
            JobReport::Ended(other) => {
                return Err(Fault::Refused(format!("an empty job did not end well: {other:?}")));
            }
            JobReport::Output { .. } | JobReport::Step { .. } | JobReport::Command { .. } => {}
        }
    }
    Err(Fault::Lost("an empty job did not end".into()))
}

/// What the operator can do about a sandbox that could not be made, for this reason.
pub fn hint(reason: &str) -> String {
    let user_namespace = !rustix::process::geteuid().is_root();
    let allow = "or set allow_unisolated to run jobs without isolation";
    if user_namespace {
        return format!(
            "run the server as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
             user.max_user_namespaces>0, kernel.apparmor_restrict_unprivileged_userns=0), {allow}"
        );
    }
    if reason.contains("overlay") {
        return format!("load the kernel's overlay module, keep the data folder on ext4, xfs or btrfs, {allow}");
    }
    format!("when the server runs in a container, give it CAP_SYS_ADMIN and no seccomp filter on mount, {allow}")
}

fn limits_text() -> String {
    let has = available_cgroups();
    let mut held = Vec::new();
    let mut not = Vec::new();
    for (name, is_held) in [("CPU", has.cpu), ("memory", has.memory), ("processes", has.pids)] {
        if is_held { held.push(name) } else { not.push(name) }
    }
    match (held.is_empty(), not.is_empty()) {
        (_, true) => "control groups limit CPU, memory and processes".into(),
        (true, _) => "no control groups: limits hold for each process alone".into(),
        _ => format!("control groups limit {}; process limits {}", held.join(" and "), not.join(" and ")),
    }
}
