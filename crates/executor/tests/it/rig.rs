//! What the tests share: a host executor in a folder of its own, specs, and the reports of a job as one value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{JobLimits, JobOutcome, JobSpec, JobStep, StepFailure, StepOutcome, StepRecord};
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

impl Rig {
    /// `None` where the machine allows no sandbox; says so.
    pub async fn new() -> Option<Rig> {
        Rig::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut HostConfig)) -> Option<Rig> {
        // Beside the binaries: /tmp is not the job's /tmp, and the data folder must be on a real file system.
        let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let dir = tempfile::Builder::new().prefix("executor-").tempdir_in(base).unwrap();
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
    }
}

pub fn step(name: &str, commands: &[&str]) -> JobStep {
    JobStep {
        name: name.into(),
        commands: commands.iter().map(|c| (*c).to_owned()).collect(),
        finally: Vec::new(),
        on_failure: StepFailure::Abort,
    }
}

/// All reports of one job.
#[derive(Debug)]
pub struct Seen {
    pub text: String,
    pub steps: Vec<StepRecord>,
    pub outcome: JobOutcome,
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
            JobReport::Ended(outcome) => {
                assert!(reports.next().await.is_none(), "nothing comes after the end");
                return Seen { text, steps, outcome };
            }
        }
    }
    panic!("the stream ended without an outcome");
}
