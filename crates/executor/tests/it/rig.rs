//! What the tests share: a host executor in a folder of its own, specs, and the reports of a job as one value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{JobLimits, JobOutcome, JobSpec, JobStep, StepOutcome, StepRecord};
use executor::{Executor, HostConfig, HostExecutor, JobReport, Position, ShimProgram};
use futures_util::StreamExt as _;

/// A host executor over its own data folder. Dropping it destroys every job that is left.
pub struct Rig {
    pub host: HostExecutor,
    pub dir: tempfile::TempDir,
}

/// The helper binary as the shim.
pub fn config(data_dir: &Path) -> HostConfig {
    let mut config = HostConfig::new(data_dir);
    config.shim = ShimProgram { program: env!("CARGO_BIN_EXE_executor-shim").into(), arguments: Vec::new() };
    config
}

/// Where tests keep their files: beside the binaries, or where somebody who may not write there was told to.
pub fn base_dir() -> PathBuf {
    std::env::var_os("HEADWORKS_TEST_DIR").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from)
}

impl Rig {
    /// `None` where the machine allows no sandbox; says so.
    pub async fn new() -> Option<Rig> {
        Rig::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut HostConfig)) -> Option<Rig> {
        // Beside the binaries: /tmp is not the job's /tmp, and the data folder must be on a real file system.
        let dir = tempfile::Builder::new().prefix("executor-").tempdir_in(base_dir()).unwrap();
        let mut config = config(dir.path());
        change(&mut config);
        match HostExecutor::probe(config).await {
            Ok(host) => Some(Rig { host, dir }),
            Err(error) => {
                assert!(error.reason.starts_with("the sandbox"), "the machine is not to blame: {error}");
                eprintln!("SKIPPED: {error}; {}", error.hint);
                None
            }
        }
    }

    pub fn spec(&self, id: &str, commands: &[&str]) -> JobSpec {
        let work_dir = self.dir.path().join("work").join(id);
        std::fs::create_dir_all(&work_dir).unwrap();
        spec(id, &work_dir, commands)
    }

    pub async fn run(&self, spec: &JobSpec) -> Seen {
        self.host.start(spec).await.unwrap();
        let seen = follow(&self.host, &spec.id).await;
        self.host.destroy(&spec.id).await.unwrap();
        seen
    }

    pub fn shared(&self) -> Arc<dyn Executor> {
        Arc::new(self.host.clone())
    }
}

pub fn spec(id: &str, work_dir: &Path, commands: &[&str]) -> JobSpec {
    JobSpec {
        id: id.to_owned(),
        steps: vec![step("BUILD", commands)],
        shell: "sh".into(),
        env: BTreeMap::new(),
        masked: Vec::new(),
        work_dir: work_dir.to_owned(),
        current_dir: work_dir.to_owned(),
        exported: Vec::new(),
        succeeding_variable: None,
        limits: JobLimits::default(),
        timeout_seconds: 60,
        announce: false,
        // The host has no use for it.
        container: base::JobContainer { image: crate::engine::IMAGE.to_owned(), ..base::JobContainer::default() },
        files: Vec::new(),
        trust: None,
        hold: base::JobHold::Never,
        routes: Vec::new(),
        loopback: Vec::new(),
    }
}

pub fn step(name: &str, commands: &[&str]) -> JobStep {
    JobStep { name: name.into(), commands: commands.iter().map(|c| (*c).to_owned()).collect(), ..JobStep::default() }
}

/// All reports of one job.
pub struct Seen {
    pub text: String,
    pub steps: Vec<StepRecord>,
    pub outcome: JobOutcome,
}

impl std::fmt::Debug for Seen {
    /// A test that fails must not print a hundred megabytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start: String = self.text.chars().take(2000).collect();
        f.debug_struct("Seen").field("text", &start).field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Seen {
    pub fn lines(&self) -> Vec<&str> {
        self.text.lines().collect()
    }

    /// Each step's name and outcome, from the job's outcome.
    pub fn ended(&self) -> Vec<(&str, &StepOutcome)> {
        let steps = match &self.outcome {
            JobOutcome::Finished { steps, .. }
            | JobOutcome::Cancelled { steps }
            | JobOutcome::OutOfMemory { steps }
            | JobOutcome::Lost { steps, .. } => steps,
            JobOutcome::TimedOut(timeout) => &timeout.steps,
            JobOutcome::NotStarted { reason } => panic!("not started: {reason}"),
        };
        steps.iter().filter_map(|s| Some((s.name.as_str(), &s.finished.as_ref()?.1))).collect()
    }

    pub fn succeeded(&self) -> bool {
        matches!(self.outcome, JobOutcome::Finished { .. })
            && self.ended().iter().all(|(_, outcome)| **outcome == StepOutcome::Succeeded)
    }

    /// The status of the first step that failed.
    pub fn status(&self) -> i32 {
        self.ended()
            .iter()
            .find_map(|(_, o)| if let StepOutcome::Failed { exit_status, .. } = o { Some(*exit_status) } else { None })
            .unwrap_or(0)
    }
}

pub async fn follow(executor: &dyn Executor, id: &str) -> Seen {
    let mut reports = executor.follow(id, Position::START);
    let (mut text, mut steps) = (String::new(), Vec::new());
    while let Some(report) = reports.next().await {
        match report.unwrap() {
            JobReport::Output { text: more, .. } => text.push_str(&more),
            JobReport::Step { record, .. } => steps.push(record),
            JobReport::Command { .. } => {}
            JobReport::Ended(outcome) => {
                assert!(reports.next().await.is_none(), "nothing comes after the end");
                return Seen { text, steps, outcome };
            }
        }
    }
    panic!("the stream ended without an outcome");
}

/// Follows until the output contains `text`.
pub async fn until(executor: &dyn Executor, id: &str, text: &str) {
    let mut reports = executor.follow(id, Position::START);
    let mut seen = String::new();
    while let Some(report) = reports.next().await {
        match report.unwrap() {
            JobReport::Output { text: more, .. } => seen.push_str(&more),
            JobReport::Ended(outcome) => panic!("ended before it said {text:?}: {outcome:?} {seen}"),
            JobReport::Step { .. } | JobReport::Command { .. } => {}
        }
        if seen.contains(text) {
            return;
        }
    }
}

/// The processes of this machine whose command line contains `mark`.
pub fn processes(mark: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(mark) {
            found.push(pid);
        }
    }
    found
}

/// Of these processes one that another of them has started, and that other. Their numbers say nothing of their age: the
/// kernel begins with small ones again.
pub fn parent_and_child(pids: &[i32]) -> (i32, i32) {
    let parent = |pid: &i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let pair = |child: &i32| parent(child).filter(|parent| pids.contains(parent)).map(|parent| (parent, *child));
    pids.iter().find_map(pair).unwrap_or_else(|| panic!("none of {pids:?} has started another"))
}

/// Of these processes, which are all of a job, the one that was there first.
pub fn supervisor(pids: &[i32]) -> i32 {
    let parent_and_begin = |pid: &i32| -> Option<(i32, u64)> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
        Some((fields.next()?.parse().ok()?, fields.nth(17)?.parse().ok()?))
    };
    let of =
        |pid: &i32| parent_and_begin(pid).filter(|(parent, _)| !pids.contains(parent)).map(|(_, begin)| (begin, *pid));
    pids.iter().filter_map(of).min().unwrap_or_else(|| panic!("{pids:?} have nobody who started them")).1
}

/// Waits until no process has this in its command line, however busy the machine is: the kernel takes what is killed along
/// in its own time, and other tests may hold the processors for long.
pub async fn until_none(mark: &str) {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !processes(mark).is_empty() {
        assert!(std::time::Instant::now() < limit, "still there: {:?}", processes(mark));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// What a job's control groups are called.
pub fn group_name(jobs_dir: &Path, id: &str) -> String {
    format!("{id}-{}", base::derived_hex::<8>(&["group", &jobs_dir.display().to_string()]))
}

/// The `sleep` duration that no other test or process uses: a mark that can be seen in a process's command line.
pub fn unique_sleep() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    // Of one length: none begins as another one does.
    format!("86{:07}{count:03}", std::process::id())
}
