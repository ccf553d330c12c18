//! Runs the job and copies what it tells: lines into the log, steps and the end to the machine.

use std::time::Duration;

use base::{CommandRecord, JobOutcome, JobSpec, StepRecord, Timestamp};
use engine::build::{BuildInput, BuildState, CachePlan, Logs, Reference, Stage, container_line};
use engine::command_execution::{CommandExecution, ExecutionInput};
use executor::{Executor, ExecutorError, JobReport, JobState, Position};
use futures_util::StreamExt;
use platform::Cx;
use platform::logs::LogEvents;
use store::outbox::{self, Claimed};
use store::tables::codebuild_log_cursor as cursor;
use store::{AdvanceError, Tx, advance};

use super::cache::with_layers;
use super::credentials::{as_role, with_credentials};
use super::front::with_front;
use super::loopback::with_server;
use super::provision::provision;
use super::registry::{NoLogin, with_login};
use super::secrets::with_values;
use super::{answer, cache, log, prepare, secrets};
use crate::{DriverCx, PerformError};

/// Reports written in one transaction; each has up to 128 KiB.
const BATCH: usize = 64;
/// An environment that stands in this time was there already.
const AT_ONCE: Duration = Duration::from_millis(100);
/// How often a build whose environment takes longer looks whether it is still wanted.
const STOP_LOOK: Duration = Duration::from_secs(2);

/// What is to be run.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub spec: &'a JobSpec,
    pub logs: &'a Logs,
    pub preamble: &'a [String],
    pub cache: Option<&'a CachePlan>,
}

pub(super) async fn run(driver: &DriverCx, claimed: &Claimed, job: Job<'_>) -> Result<(), PerformError> {
    let DriverCx { cx, executor, .. } = driver;
    let Some(state) = answer::state(cx, claimed).await?.filter(|s| s.completed().is_none()) else {
        return over(driver, claimed, job.spec).await;
    };
    let stopping = state.is_stopping();
    let at = {
        let mut tx = cx.store.read().await?;
        cursor::get(&mut tx, &job.spec.id).await?
    };
    let mut preamble = job.preamble.to_vec();
    if stopping {
        // It may run since before a crash; if it does not, it must not begin now.
        cancel(executor.as_ref(), job.spec).await?;
        if !has_begun(executor.as_ref(), &job.spec.id).await? {
            // A server that died while it began the job has left nobody who would end it.
            executor.destroy(&job.spec.id).await.map_err(|e| PerformError::new("remove a build's job", e))?;
        }
    } else {
        if let Err(full) = cx.room()
            && !has_begun(executor.as_ref(), &job.spec.id).await?
        {
            // The build stays where it is, and its page says why.
            return Err(PerformError::new("begin a build", full));
        }
        prepare::make(&job.spec.current_dir).await?;
        let references = references(&state.stage);
        // A server that died right after the start has told of nothing. Then nothing that the start took is asked for again:
        // what cannot be had any more would end a build whose job runs, with the values of then.
        let started = if at == 0 && !has_begun(executor.as_ref(), &job.spec.id).await? {
            let spec = with_layers(cx, &state.request, job.spec).await?;
            let spec = match with_login(cx, executor.as_ref(), &state.request, &spec).await {
                Ok(spec) => spec,
                Err(NoLogin::Failure(reason)) => {
                    return ended(cx, claimed, JobOutcome::NotStarted { reason }).await;
                }
                Err(NoLogin::Retry(e)) => return Err(e),
            };
            match environment(driver, claimed, Job { spec: &spec, ..job }).await? {
                Environment::Ready(notes) => drop(preamble.splice(..0, notes)),
                Environment::Ended(outcome) => return ended(cx, claimed, outcome).await,
                Environment::Left => return Ok(()),
            }
            let spec = match with_values(cx, &state.request, &spec, references).await {
                Ok(spec) => spec,
                Err(secrets::Trouble::Failure { code, message }) => {
                    let key = claimed.key.clone();
                    let failed = BuildInput::SecretsFailed { key, code: code.to_owned(), message };
                    return answer::result(cx, claimed, failed).await.map(|_| ());
                }
                Err(secrets::Trouble::Retry(e)) => return Err(e),
            };
            let (spec, note) = with_credentials(cx, &state.request, &spec).await;
            let (spec, without) = with_front(cx, executor.as_ref(), &state.request, spec).await?;
            let spec = with_server(cx, &state.request, spec);
            preamble.extend(note.into_iter().chain(without));
            if let Some(plan) = job.cache {
                let owner = cache::Owner {
                    scope: &claimed.scope,
                    work_dir: &job.spec.work_dir,
                    source_dir: &job.spec.current_dir,
                };
                let acting = as_role(cx, &state.request).await?;
                preamble.extend(cache::restore(&acting, &claimed.key, owner, plan).await?);
            }
            // All that takes time: the build may have been stopped meanwhile, and even given up and cleaned up after.
            match answer::state(cx, claimed).await?.filter(|s| s.completed().is_none()) {
                None => return over(driver, claimed, job.spec).await,
                Some(state) if state.is_stopping() => return Box::pin(run(driver, claimed, job)).await,
                Some(_) => executor.start(&spec).await,
            }
        } else {
            // It runs or has run; this only makes sure of it. What it was given is not read again: it may have changed.
            executor.start(job.spec).await
        };
        match started {
            Ok(_) => {}
            Err(ExecutorError::Unfit { reason, .. }) => {
                return ended(cx, claimed, JobOutcome::NotStarted { reason }).await;
            }
            Err(e) => return Err(PerformError::new("start a build's job", e)),
        }
    }
    let began = async {
        if stopping {
            return Ok(());
        }
        let input = BuildInput::Began { key: claimed.key.clone(), at: cx.now() };
        let state = answer::tell(cx, claimed, input).await?;
        match state.filter(|s: &BuildState| s.completed().is_none()) {
            // A stop that was committed while the job was starting found no job to cancel.
            Some(state) if state.is_stopping() => cancel(executor.as_ref(), job.spec).await,
            Some(_) => Ok(()),
            None => {
                cancel(executor.as_ref(), job.spec).await?;
                if is_owed(driver, claimed).await? {
                    // A quick job: whoever cleans up after it wants to read its log first.
                    return Ok(());
                }
                // And whoever cleans up may have found nothing to remove.
                executor.destroy(&job.spec.id).await.map_err(|e| PerformError::new("remove a build's job", e))?;
                prepare::remove(&job.spec.work_dir).await
            }
        }
    };
    let job = Job { preamble: &preamble, ..job };
    let (began, followed) = tokio::join!(began, follow(driver, claimed, job, (at, stopping)));
    began.and(followed)
}

async fn cancel(executor: &dyn Executor, job: &JobSpec) -> Result<(), PerformError> {
    match executor.cancel(&job.id).await {
        Ok(()) | Err(ExecutorError::UnknownJob(_)) => Ok(()),
        Err(e) => Err(PerformError::new("cancel a build's job", e)),
    }
}

/// There is no build to run the job for any more. Whoever cleans up may have been there before what was done here was:
/// then the folder is there again, and perhaps the job. One that is still to be cleaned up after has a log to be read.
async fn over(driver: &DriverCx, claimed: &Claimed, job: &JobSpec) -> Result<(), PerformError> {
    let jobs = driver.executor.list().await.map_err(|e| PerformError::new("look for a build's job", e))?;
    let is_known = jobs.iter().any(|entry| entry.id == job.id);
    let is_owed = is_owed(driver, claimed).await?;
    if is_known && !is_owed {
        driver.executor.destroy(&job.id).await.map_err(|e| PerformError::new("remove a build's job", e))?;
    }
    if !(is_known && is_owed) {
        prepare::remove(&job.work_dir).await?;
    }
    answer::done(&driver.cx, claimed).await
}

/// Whether something else is still to be done for the build: its end's clean-up, once it has ended.
async fn is_owed(driver: &DriverCx, claimed: &Claimed) -> Result<bool, PerformError> {
    let owed = outbox::of_machine(&mut driver.cx.store.read().await?, &claimed.kind, &claimed.machine_id).await?;
    Ok(owed.iter().any(|other| other.seq != claimed.seq))
}

/// Whether commands of the job may have run. Then it is followed, whatever else there is no room for.
async fn has_begun(executor: &dyn Executor, job: &str) -> Result<bool, PerformError> {
    let jobs = executor.list().await.map_err(|e| PerformError::new("look for a build's job", e))?;
    Ok(jobs.iter().any(|entry| entry.id == job && entry.state != JobState::Waiting))
}

/// What the job's variables refer to.
fn references(stage: &Stage) -> &[Reference] {
    match stage {
        Stage::QueuedToRun(plan) | Stage::Running(plan) => &plan.references,
        Stage::Submitted
        | Stage::AwaitingSlot
        | Stage::QueuedToPrepare
        | Stage::Preparing
        | Stage::Stopping(_)
        | Stage::Cut { .. }
        | Stage::Uploading(_)
        | Stage::Completed { .. } => &[],
    }
}

/// What came of waiting for a place to run in.
enum Environment {
    /// There is one; what the user should know about it.
    Ready(Vec<String>),
    /// There will be none.
    Ended(JobOutcome),
    /// The server stops; its successor goes on.
    Left,
}

/// Waits until there is a place to run in. That is mostly at once; where it takes longer (an image must be fetched) the
/// build is no longer queued meanwhile, and may be stopped.
async fn environment(driver: &DriverCx, claimed: &Claimed, job: Job<'_>) -> Result<Environment, PerformError> {
    let DriverCx { cx, executor, stopping: server } = driver;
    let mut provisioned = std::pin::pin!(provision(cx, executor, claimed, job.logs, job.spec));
    let mut pause = AT_ONCE;
    loop {
        let result = tokio::select! {
            biased;
            result = &mut provisioned => result,
            () = server.begun() => return Ok(Environment::Left),
            () = tokio::time::sleep(pause) => {
                let began = BuildInput::Began { key: claimed.key.clone(), at: cx.now() };
                let state: Option<BuildState> = answer::tell(cx, claimed, began).await?;
                if state.is_none_or(|state| state.completed().is_some() || state.is_stopping()) {
                    return Ok(Environment::Ended(unknown(true)));
                }
                pause = STOP_LOOK;
                continue;
            }
        };
        return match result {
            Ok(notes) => Ok(Environment::Ready(notes)),
            Err(ExecutorError::Unfit { reason, .. }) => Ok(Environment::Ended(JobOutcome::NotStarted { reason })),
            Err(e) => Err(PerformError::new("prepare a build's environment", e)),
        };
    }
}

async fn follow(
    driver: &DriverCx,
    claimed: &Claimed,
    job: Job<'_>,
    (mut at, stopping): (i64, bool),
) -> Result<(), PerformError> {
    let DriverCx { cx, executor, stopping: server } = driver;
    let from = Position(u64::try_from(at).unwrap_or(0));
    let mut reports = executor.follow(&job.spec.id, from).ready_chunks(BATCH);
    loop {
        let chunk = tokio::select! {
            biased;
            // What the job has told is written, and where that ends: the next start goes on from there.
            () = server.begun() => return Ok(()),
            chunk = reports.next() => chunk,
        };
        let Some(chunk) = chunk else { break };
        let mut batch = Batch { from: at, to: at, ..Batch::default() };
        for report in chunk {
            match report {
                Ok(report) => batch.take(report),
                Err(ExecutorError::UnknownJob(_)) => batch.ended = Some(unknown(stopping)),
                Err(e) => {
                    // Keep what came before the error; the next try goes on behind it.
                    batch.write(cx, claimed, job.logs).await?;
                    return Err(PerformError::new("follow a build's job", e));
                }
            }
        }
        let over = batch.ended.is_some();
        if at == 0 && (batch.to != 0 || over) {
            batch.lines.splice(..0, preamble_lines(job.preamble, cx.now()));
        }
        at = batch.to;
        batch.write(cx, claimed, job.logs).await?;
        if over {
            return Ok(());
        }
    }
    Err(PerformError::new("follow a build's job", "its reports stopped before its end"))
}

fn preamble_lines(texts: &[String], now: Timestamp) -> impl Iterator<Item = LogEvents> + '_ {
    texts.iter().map(move |text| log::line(now, &container_line(now, text)))
}

/// An executor that does not know a job that it took has lost it.
fn unknown(stopping: bool) -> JobOutcome {
    if stopping {
        JobOutcome::NotStarted { reason: "it was stopped before it began".to_owned() }
    } else {
        JobOutcome::Lost { steps: Vec::new(), reason: "the executor does not know the job any more".to_owned() }
    }
}

async fn ended(cx: &Cx, claimed: &Claimed, outcome: JobOutcome) -> Result<(), PerformError> {
    answer::result(cx, claimed, BuildInput::JobEnded { key: claimed.key.clone(), outcome }).await.map(|_| ())
}

/// What is written in one transaction.
#[derive(Clone, Debug, Default)]
struct Batch {
    from: i64,
    to: i64,
    lines: Vec<LogEvents>,
    steps: Vec<StepRecord>,
    commands: Vec<CommandRecord>,
    ended: Option<JobOutcome>,
}

impl Batch {
    fn take(&mut self, report: JobReport) {
        match report {
            JobReport::Output { position, time, text } => {
                self.move_to(position);
                self.lines.push(log::lines(time, text));
            }
            JobReport::Step { position, record } => {
                self.move_to(position);
                self.steps.push(record);
            }
            JobReport::Command { position, record } => {
                self.move_to(position);
                self.commands.push(record);
            }
            JobReport::Ended(outcome) => self.ended = Some(outcome),
        }
    }

    fn move_to(&mut self, position: Position) {
        self.to = i64::try_from(position.0).unwrap_or(i64::MAX);
    }

    async fn write(self, cx: &Cx, claimed: &Claimed, logs: &Logs) -> Result<(), PerformError> {
        let (claimed, logs) = (claimed.clone(), logs.clone());
        let written = cx.store.write(move |tx| {
            let (batch, claimed, logs) = (self.clone(), claimed.clone(), logs.clone());
            Box::pin(async move {
                let uuid = claimed.machine_id.rsplit(':').next().unwrap_or_default();
                if batch.to != batch.from && !cursor::move_on(tx, uuid, batch.from, batch.to).await? {
                    // Another follower was faster: its lines are these lines.
                    return Err(store::Error::LeaseLost { seq: claimed.seq });
                }
                log::append(tx, &claimed.scope, &logs, &batch.lines).await?;
                let (key, row) = (claimed.key.clone(), (&*claimed.kind, &*claimed.machine_id));
                if !batch.steps.is_empty() {
                    answer::step(tx, row, BuildInput::StepsReported { key: key.clone(), steps: batch.steps }).await?;
                }
                for record in batch.commands {
                    told_of_command(tx, record).await?;
                }
                if let Some(outcome) = batch.ended {
                    answer::step(tx, row, BuildInput::JobEnded { key, outcome }).await?;
                    outbox::finish(tx, &claimed).await?;
                }
                Ok(())
            })
        });
        Ok(written.await?)
    }
}

/// A command of a sandbox began or is over.
async fn told_of_command(tx: &mut Tx, record: CommandRecord) -> Result<(), store::Error> {
    let id = record.id.clone();
    match advance::<CommandExecution>(tx, &id, ExecutionInput::Reported(record)).await {
        Ok(_) | Err(AdvanceError::NotFound) => Ok(()),
        Err(AdvanceError::Refused(refusal)) => match refusal {},
        Err(AdvanceError::Store(e)) => Err(e),
    }
}
