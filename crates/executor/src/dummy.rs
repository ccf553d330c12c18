//! An executor without processes: does what it is told, and goes wrong as it is told.
//!
//! It understands just enough commands for tests: `echo TEXT`, `echo $NAME`, `export NAME=VALUE`, `true`, `false`,
//! `exit N`, and `sleep` and `hang`, which never end by themselves. Every other command succeeds and says so. Time comes
//! from its clock and the job's timeout is ignored: a job that hangs ends by `cancel`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::{
    Clock, CommandEnd, CommandOrder, CommandRecord, JobHold, JobOutcome, JobSpec, JobStep, JobTimeout, RegistryLogin,
    StepFailure, StepOutcome, StepRecord, SystemClock,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::watch;

use crate::output::Masker;
use crate::{BoxFuture, Executor, ExecutorError, JobEntry, JobReport, JobState, Position, Progress, Reports, Started};

/// How a job goes; [`Behaviour::Obey`] unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Runs the commands.
    #[default]
    Obey,
    /// Runs the commands; `prepare` tells of its progress and has this to say.
    Provision { progress: Vec<String>, notes: Vec<String> },
    /// `prepare` says that the job cannot run here.
    FailToPrepare(String),
    /// `start` fails this many times before it works.
    FailToStart { times: u32 },
    /// The sandbox cannot be made.
    NotStarted(String),
    /// The first command never ends; only `cancel` ends the job.
    Hang,
    /// The first command ends with this status, whatever it is.
    Exit(i32),
    /// Runs the commands, but no output arrives.
    LoseLogs,
    /// The first command is killed for want of memory.
    OutOfMemory,
    /// Begins, and nobody knows how it ended.
    Lost(String),
    /// Out of time in the first step.
    TimedOut,
}

/// See the module's doc. Cheap to clone; clones share their jobs.
#[derive(Clone)]
pub struct DummyExecutor(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    default: Behaviour,
    by_id: HashMap<String, Behaviour>,
    jobs: BTreeMap<String, Job>,
    starts: HashMap<String, u32>,
    logins: HashMap<String, RegistryLogin>,
}

/// A job's reports; a report's position is its index plus one.
#[derive(Default)]
struct Job {
    reports: Vec<JobReport>,
    is_ended: bool,
    steps: Vec<StepRecord>,
    /// Of a job that waits for orders.
    waits: Option<JobSpec>,
    taken: Vec<String>,
}

impl Default for DummyExecutor {
    fn default() -> Self {
        DummyExecutor::new(Arc::new(SystemClock))
    }
}

impl DummyExecutor {
    /// An executor whose jobs all obey.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        DummyExecutor(Arc::new(Inner { clock, state: Mutex::default(), changed: watch::Sender::new(()) }))
    }

    /// How jobs go that were not told anything else.
    pub fn tell_all(&self, behaviour: Behaviour) {
        self.lock().default = behaviour;
    }

    /// How one job goes; to be said before it starts.
    pub fn tell(&self, id: &str, behaviour: Behaviour) {
        self.lock().by_id.insert(id.to_owned(), behaviour);
    }

    /// How often the commands of this id were really begun: more than once is always wrong.
    pub fn starts(&self, id: &str) -> u32 {
        self.lock().starts.get(id).copied().unwrap_or(0)
    }

    /// What the job would have been pulled with.
    pub fn login(&self, id: &str) -> Option<RegistryLogin> {
        self.lock().logins.get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_now(&self, spec: &JobSpec) -> Result<Started, ExecutorError> {
        let mut state = self.lock();
        if state.jobs.contains_key(&spec.id) {
            return Ok(Started::Already);
        }
        let default = state.default.clone();
        let behaviour = state.by_id.entry(spec.id.clone()).or_insert(default);
        if let Behaviour::FailToStart { times } = behaviour {
            *times = times.saturating_sub(1);
            if *times == 0 {
                *behaviour = Behaviour::Obey;
            }
            return Err(ExecutorError::Shim { id: spec.id.clone(), reason: "told to fail".into() });
        }
        let behaviour = behaviour.clone();
        *state.starts.entry(spec.id.clone()).or_default() += 1;
        if let Some(login) = &spec.container.registry {
            state.logins.insert(spec.id.clone(), login.clone());
        }
        let mut run = Run { clock: &*self.0.clock, spec, behaviour, job: Job::default(), env: spec.env.clone() };
        run.go();
        state.jobs.insert(spec.id.clone(), run.job);
        drop(state);
        self.0.changed.send_replace(());
        Ok(Started::Now)
    }

    fn order_now(&self, id: &str, order: &CommandOrder) -> Result<(), ExecutorError> {
        let mut state = self.lock();
        let behaviour = state.by_id.get(id).cloned().unwrap_or_default();
        let job = state.jobs.get_mut(id).ok_or_else(|| ExecutorError::UnknownJob(id.to_owned()))?;
        let Some(spec) = job.waits.clone().filter(|_| !job.is_ended && !job.taken.contains(&order.id)) else {
            return Ok(());
        };
        job.taken.push(order.id.clone());
        let env = spec.env.clone();
        let mut run = Run { clock: &*self.0.clock, spec: &spec, behaviour, job: std::mem::take(job), env };
        run.order(order);
        *job = run.job;
        drop(state);
        self.0.changed.send_replace(());
        Ok(())
    }

    fn cancel_now(&self, id: &str) -> Result<(), ExecutorError> {
        let now = self.0.clock.now();
        let mut state = self.lock();
        let job = state.jobs.get_mut(id).ok_or_else(|| ExecutorError::UnknownJob(id.to_owned()))?;
        if !job.is_ended {
            job.end_open_step(now, StepOutcome::Cancelled);
            let steps = job.steps.clone();
            job.end(JobOutcome::Cancelled { steps });
        }
        drop(state);
        self.0.changed.send_replace(());
        Ok(())
    }

    fn next(&self, id: &str, position: Position) -> Result<Option<JobReport>, ExecutorError> {
        let state = self.lock();
        let job = state.jobs.get(id).ok_or_else(|| ExecutorError::UnknownJob(id.to_owned()))?;
        let index = usize::try_from(position.0).unwrap_or(usize::MAX);
        // A position behind everything still hears the end.
        let last = job.reports.len().saturating_sub(1);
        let index = if job.is_ended { index.min(last) } else { index };
        Ok(job.reports.get(index).cloned())
    }
}

impl Executor for DummyExecutor {
    fn name(&self) -> &'static str {
        "dummy"
    }

    fn describe(&self) -> String {
        "dummy: pretends to run jobs; for tests".into()
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        let state = self.lock();
        let result = match state.by_id.get(&spec.id).unwrap_or(&state.default) {
            Behaviour::FailToPrepare(reason) => {
                Err(ExecutorError::Unfit { id: spec.id.clone(), reason: reason.clone() })
            }
            Behaviour::Provision { progress, notes } => {
                progress.iter().cloned().for_each(tell);
                Ok(notes.clone())
            }
            _ => Ok(Vec::new()),
        };
        async { result }.boxed()
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        async move { self.start_now(spec) }.boxed()
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        let follower = (self.clone(), id.to_owned(), Some(from), self.0.changed.subscribe());
        stream::try_unfold(follower, |(dummy, id, position, mut changed)| async move {
            let Some(mut position) = position else { return Ok(None) };
            loop {
                changed.mark_unchanged();
                match dummy.next(&id, position)? {
                    Some(report) => {
                        position.0 += 1;
                        let next = (!matches!(report, JobReport::Ended(_))).then_some(position);
                        return Ok(Some((report, (dummy, id, next, changed))));
                    }
                    // The sender lives in `dummy`.
                    None => drop(changed.changed().await),
                }
            }
        })
        .boxed()
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        async move { self.order_now(id, order) }.boxed()
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        async move { self.cancel_now(id) }.boxed()
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.lock().jobs.remove(id);
        self.0.changed.send_replace(());
        async { Ok(()) }.boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        let state = |job: &Job| match job.reports.last() {
            Some(JobReport::Ended(JobOutcome::Lost { .. })) => JobState::Lost,
            Some(JobReport::Ended(_)) => JobState::Ended,
            _ => JobState::Running,
        };
        let jobs = self.lock().jobs.iter().map(|(id, job)| JobEntry { id: id.clone(), state: state(job) }).collect();
        async { Ok(jobs) }.boxed()
    }
}

impl Job {
    fn position(&self) -> Position {
        Position(self.reports.len() as u64 + 1)
    }

    fn report_step(&mut self, record: StepRecord) {
        let position = self.position();
        self.reports.push(JobReport::Step { position, record });
    }

    fn report_command(&mut self, record: CommandRecord) {
        let position = self.position();
        self.reports.push(JobReport::Command { position, record });
    }

    fn end_open_step(&mut self, now: base::Timestamp, outcome: StepOutcome) {
        if let Some(record) = self.steps.last_mut().filter(|r| r.finished.is_none()) {
            record.finished = Some((now, outcome));
            let record = record.clone();
            self.report_step(record);
        }
    }

    fn end(&mut self, outcome: JobOutcome) {
        self.reports.push(JobReport::Ended(outcome));
        self.is_ended = true;
    }
}

/// One job while `start` works it off.
struct Run<'a> {
    clock: &'a dyn Clock,
    spec: &'a JobSpec,
    behaviour: Behaviour,
    job: Job,
    env: BTreeMap<String, String>,
}

/// How a command goes on.
enum Went {
    Status(i32),
    Hangs,
    EndsJob(StepOutcome),
}

impl Run<'_> {
    fn go(&mut self) {
        if let Behaviour::NotStarted(reason) = &self.behaviour {
            return self.job.end(JobOutcome::NotStarted { reason: reason.clone() });
        }
        for step in &self.spec.steps {
            let started = StepRecord { name: step.name.clone(), started: self.clock.now(), finished: None };
            self.job.steps.push(started.clone());
            self.job.report_step(started);
            let Ok(outcome) = self.step(step) else { return };
            if self.spec.hold == JobHold::ForOrders {
                self.job.waits = Some(self.spec.clone());
                return;
            }
            let failed = outcome != StepOutcome::Succeeded;
            self.job.end_open_step(self.clock.now(), outcome);
            if failed && step.on_failure == StepFailure::Abort {
                break;
            }
        }
        let masker = self.masker();
        let exported = self.spec.exported.iter().filter_map(|n| Some((n.clone(), masker.mask(self.env.get(n)?))));
        let exported = exported.collect();
        let steps = self.job.steps.clone();
        self.job.end(JobOutcome::Finished { steps, exported });
    }

    fn order(&mut self, order: &CommandOrder) {
        let mut record = CommandRecord { id: order.id.clone(), started: self.clock.now(), finished: None };
        self.job.report_command(record.clone());
        let before = self.job.reports.len();
        let Went::Status(status) = self.command(order.text.expose()) else { return };
        let said = self.job.reports.iter().skip(before);
        let stdout =
            said.filter_map(|report| if let JobReport::Output { text, .. } = report { Some(&**text) } else { None });
        let stdout = stdout.collect();
        let end = CommandEnd { at: self.clock.now(), exit_status: Some(status), stdout, stderr: String::new() };
        record.finished = Some(end);
        self.job.report_command(record);
    }

    /// `Err`: the job has ended, or hangs.
    fn step(&mut self, step: &JobStep) -> Result<StepOutcome, ()> {
        let mut outcome = StepOutcome::Succeeded;
        for commands in [&step.commands, &step.finally] {
            for command in commands {
                match self.command(command) {
                    Went::Status(0) => {}
                    Went::Status(exit_status) => {
                        if outcome == StepOutcome::Succeeded {
                            outcome = StepOutcome::Failed { command: command.clone(), exit_status };
                        }
                        break;
                    }
                    Went::Hangs => return Err(()),
                    Went::EndsJob(outcome) => {
                        self.end_early(outcome);
                        return Err(());
                    }
                }
            }
        }
        Ok(outcome)
    }

    fn end_early(&mut self, outcome: StepOutcome) {
        // Nobody saw how a lost job's step ended.
        if !matches!(self.behaviour, Behaviour::Lost(_)) {
            self.job.end_open_step(self.clock.now(), outcome);
        }
        let steps = self.job.steps.clone();
        self.job.end(match &self.behaviour {
            Behaviour::Lost(reason) => JobOutcome::Lost { steps, reason: reason.clone() },
            Behaviour::TimedOut => JobOutcome::TimedOut(JobTimeout { steps, after_seconds: self.spec.timeout_seconds }),
            _ => JobOutcome::OutOfMemory { steps },
        });
    }

    fn command(&mut self, command: &str) -> Went {
        match self.behaviour {
            Behaviour::Hang => return Went::Hangs,
            Behaviour::Exit(status) => return Went::Status(status),
            Behaviour::OutOfMemory => {
                return Went::EndsJob(StepOutcome::Failed { command: command.to_owned(), exit_status: 137 });
            }
            Behaviour::Lost(_) | Behaviour::TimedOut => return Went::EndsJob(StepOutcome::TimedOut),
            _ => {}
        }
        let (word, rest) = command.trim().split_once(' ').unwrap_or((command.trim(), ""));
        match word {
            "echo" => {
                let variable = rest.strip_prefix('$').map(|name| self.env.get(name).cloned().unwrap_or_default());
                self.say(&variable.unwrap_or_else(|| rest.to_owned()));
            }
            "export" => {
                if let Some((name, value)) = rest.split_once('=') {
                    self.env.insert(name.to_owned(), value.to_owned());
                }
            }
            "true" => {}
            "false" => return Went::Status(1),
            "exit" => return Went::Status(rest.trim().parse().unwrap_or(0)),
            "sleep" | "hang" => return Went::Hangs,
            _ => self.say(&format!("(dummy) {command}")),
        }
        Went::Status(0)
    }

    fn masker(&self) -> Masker {
        Masker::new(self.spec.masked.iter().map(|s| s.expose().as_str()))
    }

    fn say(&mut self, text: &str) {
        if self.behaviour == Behaviour::LoseLogs {
            return;
        }
        let text = format!("{}\n", self.masker().mask(text));
        let position = self.job.position();
        self.job.reports.push(JobReport::Output { position, time: self.clock.now(), text });
    }
}
