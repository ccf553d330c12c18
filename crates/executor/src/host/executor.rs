//! The host executor: decides what a job sees of this machine.

use std::path::PathBuf;
use std::sync::Arc;

use base::{CommandOrder, JobFile, JobFileContent, JobLimits, JobSpec};
use futures_util::FutureExt as _;

use super::{HostConfig, Isolation};
use crate::jobs::{Shimmed, check};
use crate::nested::{Nested, can_route};
use crate::shim::{Plan, Sandbox};
use crate::{BoxFuture, Executor, ExecutorError, JobEntry, Position, Progress, Reports, Started};

/// Runs jobs on this machine. Cheap to clone.
#[derive(Clone)]
pub struct HostExecutor(Arc<Inner>);

struct Inner {
    config: HostConfig,
    isolation: Isolation,
    jobs: Shimmed,
}

impl HostExecutor {
    /// An executor that isolates in this way; [`HostExecutor::probe`] finds out which way works.
    pub fn new(config: HostConfig, isolation: Isolation) -> Self {
        let config = config.resolved();
        let jobs = Shimmed::new(config.jobs_dir(), config.shim.clone());
        HostExecutor(Arc::new(Inner { config, isolation, jobs }))
    }

    /// How jobs are kept apart.
    pub fn isolation(&self) -> &Isolation {
        &self.0.isolation
    }

    /// Where the jobs' folders are.
    pub fn jobs_dir(&self) -> PathBuf {
        self.0.config.jobs_dir()
    }

    fn plan(&self, spec: &JobSpec) -> Plan {
        let config = &self.0.config;
        let mut spec = spec.clone();
        // The plan lies on the disk, and no image is pulled.
        spec.container.registry = None;
        let own = [
            ("HOME", config.home.to_string_lossy().into_owned()),
            ("PATH", config.path.to_string_lossy().into_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        for (name, value) in own {
            spec.env.entry(name.to_owned()).or_insert(value);
        }
        spec.limits = JobLimits {
            cpus: spec.limits.cpus.or(config.limits.cpus),
            memory_bytes: spec.limits.memory_bytes.or(config.limits.memory_bytes),
            processes: spec.limits.processes.or(config.limits.processes),
        };
        if let Some(trust) = spec.trust.take() {
            let content = JobFileContent::Of(trust.bundle);
            spec.files.extend(trust.places.iter().map(|path| JobFile { path: path.clone(), content: content.clone() }));
            if let Some(place) = trust.places.first() {
                for name in trust.variables {
                    spec.env.entry(name).or_insert_with(|| place.display().to_string());
                }
            }
        }
        let isolation = &self.0.isolation;
        let mut hidden = config.hidden.clone();
        hidden.push(config.data_dir.clone());
        let sandbox = Sandbox {
            isolated: isolation.isolated,
            user_namespace: isolation.user_namespace,
            hidden,
            visible: config.visible.clone(),
            hold_failed: config.hold_failed,
            tied_to: config.tied.then(std::process::id),
        };
        let decided = self.engine(&spec);
        Plan { spec, sandbox, container: None, nested: None, no_engine: None }.with_engine(decided)
    }

    /// The container engine that the job gets for itself, or why it gets none.
    fn engine(&self, spec: &JobSpec) -> Result<Nested, String> {
        let isolation = &self.0.isolation;
        let obstacle = match (isolation.isolated, isolation.user_namespace || !rustix::process::geteuid().is_root()) {
            (false, _) => Some("builds are not isolated on this machine"),
            (true, true) => Some("the server does not run as root, so its builds cannot have one in the sandbox"),
            (true, false) => None,
        };
        Nested::decide(spec, self.0.config.allow_privileged, obstacle)
    }

    fn check(&self, spec: &JobSpec) -> Result<(), ExecutorError> {
        let has_users = !self.0.isolation.user_namespace && rustix::process::geteuid().is_root();
        if let Some(user) = spec.steps.iter().find_map(|step| step.run_as.as_deref()).filter(|_| !has_users) {
            let reason =
                format!("commands cannot run as {user}: the server does not run as root, so its jobs have one user");
            return Err(ExecutorError::Unfit { id: spec.id.clone(), reason });
        }
        if !self.0.isolation.isolated && !spec.container.mounts.is_empty() {
            let reason = "without isolation nothing can be mounted for a job alone".to_owned();
            return Err(ExecutorError::Unfit { id: spec.id.clone(), reason });
        }
        check(spec)
    }

    /// What the job asks for and does not get here, in words for its user: nothing is passed over in silence.
    fn notes(&self, spec: &JobSpec) -> Vec<String> {
        let mut notes = Vec::new();
        if !spec.container.image.is_empty() {
            let image = &spec.container.image;
            notes.push(format!("image {image} is not used: the build runs with this machine's own tools"));
        }
        let decided = self.engine(spec);
        notes.extend(Nested::layers_note(spec, &decided));
        match decided {
            Ok(_) => notes.push("privilegedMode: the build has a container engine of its own (DOCKER_HOST)".to_owned()),
            Err(why) if spec.container.privileged => notes.push(format!("privilegedMode has no effect: {why}")),
            Err(_) => {}
        }
        notes
    }
}

impl Executor for HostExecutor {
    fn name(&self) -> &'static str {
        "host"
    }

    fn describe(&self) -> String {
        self.0.isolation.to_string()
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        _tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        async move { self.check(spec).map(|()| self.notes(spec)) }.boxed()
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        async move {
            self.check(spec)?;
            self.0.jobs.start(&self.plan(spec)).await
        }
        .boxed()
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        self.0.jobs.follow(id, from)
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.0.jobs.order(id, order).boxed()
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.0.jobs.cancel(id).boxed()
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.0.jobs.destroy(id).boxed()
    }

    fn routes(&self) -> bool {
        let isolation = &self.0.isolation;
        isolation.isolated && isolation.user_namespace && can_route()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        async move { self.0.jobs.list().map_err(ExecutorError::io("listing the jobs")) }.boxed()
    }

    fn remains(&self) -> BoxFuture<'_, Result<Vec<String>, ExecutorError>> {
        async move { self.0.jobs.remains().map_err(ExecutorError::io("listing what is left of jobs")) }.boxed()
    }

    fn tidy(&self) -> BoxFuture<'_, ()> {
        self.0.jobs.tidy().boxed()
    }
}
