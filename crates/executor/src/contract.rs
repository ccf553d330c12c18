//! The contract between the driver and whatever runs jobs.

use std::fmt;
use std::io;

use base::{CommandOrder, CommandRecord, JobOutcome, JobSpec, StepRecord, Timestamp};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};

/// A boxed future, so that [`Executor`] can be a trait object.
pub type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, T>;
/// A boxed stream.
pub type BoxStream<'a, T> = futures_util::stream::BoxStream<'a, T>;
/// What [`Executor::follow`] gives.
pub type Reports = BoxStream<'static, Result<JobReport, ExecutorError>>;

/// Takes a line of progress for the user; must not block.
pub type Progress<'a> = dyn Fn(String) + Send + Sync + 'a;

/// Runs jobs somewhere.
///
/// The life of a job: `prepare` (any number of times, or never) -> `start` -> `follow` until `Ended` -> `destroy`.
///
/// * **At most once.** The commands of one job id run at most once, ever. Whatever crashes, an executor that cannot know
///   whether a job has run answers [`JobOutcome::Lost`]; it never runs it again.
/// * **Concurrency.** Everything may be called concurrently, also for the same id and also by another process that works
///   on the same data (a server that was killed and its successor).
/// * **Safe twice.** `prepare`, `start`, `cancel` and `destroy` may be repeated and then do nothing more.
/// * **Jobs outlive the caller.** Dropping the executor, a future or a stream stops no job. A new executor over the same
///   data finds every job that was not destroyed.
pub trait Executor: Send + Sync {
    /// The implementation's name: `host`, `dummy`, ...
    fn name(&self) -> &'static str;

    /// One line for the operator: how jobs are kept apart and which limits hold.
    fn describe(&self) -> String;

    /// Says whether the job could run here, and gets what it needs (an image, say), without leaving anything of the job
    /// behind. A job that cannot run fails here, with a reason for the user, so that a build fails while it is
    /// provisioned. Not required before `start`, which then does the same. The answer: what the user should know about
    /// where the job will run and what it asks for and does not get, a line each. What takes long is told while it
    /// happens.
    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>>;

    /// Starts a job. When this returns `Ok`, the start is durable: after any crash the job is found again, running, ended
    /// or lost. Starting an id that was started before changes nothing and answers [`Started::Already`], whatever its
    /// state and whatever the spec says now. After an `Err` the job may or may not have been started: repeat the call,
    /// which is safe, until it is `Ok`. A sandbox that cannot be set up is an outcome ([`JobOutcome::NotStarted`]).
    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>>;

    /// Reports what the job writes and how it goes on, from `from` on, in order, live. The stream ends after exactly one
    /// [`JobReport::Ended`], which comes after all output and steps, or after an `Err`. Any number of followers may follow;
    /// each gets everything. The reports before a position are always the same ones, so a follower that kept the position
    /// of the last report goes on from there without a gap or a repetition. A job whose end cannot be known ends with
    /// [`JobOutcome::Lost`]. An unknown id gives [`ExecutorError::UnknownJob`].
    fn follow(&self, id: &str, from: Position) -> Reports;

    /// Has a job that waits for orders (`base::JobHold::ForOrders`) run a command, after those that were ordered before;
    /// returns when the order is durable. Ordering the same id twice runs it once. A job that has ended takes no order and
    /// does not say so: its end is what its followers hear.
    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>>;

    /// Asks for the end of a job; returns when the request is durable, not when the job is gone. The job then ends with
    /// [`JobOutcome::Cancelled`], unless it ended in another way first; all its descendants are killed at once, no
    /// `finally` runs any more. Cancelling a job that has ended does nothing.
    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>>;

    /// Removes everything that the executor keeps of a job, killing it first if it runs. The job's `work_dir` is its
    /// caller's and stays. Afterwards the id is forgotten: the caller must not start it again. Destroying an unknown job
    /// does nothing.
    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>>;

    /// Returns when it is known where jobs run. Before that the name and what follows are no ground for a decision.
    fn decided(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// Whether that is known already.
    fn is_decided(&self) -> bool {
        true
    }

    /// Whether jobs reach what listens on the machine's loopback.
    fn reaches_loopback(&self) -> bool {
        true
    }

    /// Whether jobs can have routes of their own ([`JobSpec::routes`]).
    fn routes(&self) -> bool {
        false
    }

    /// All jobs that were started and not destroyed, for sweeps after a restart.
    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>>;

    /// The ids of everything that is kept, also of what is no job any more or never became one: a removal was cut short, or
    /// somebody made a folder anew. `destroy` removes it.
    fn remains(&self) -> BoxFuture<'_, Result<Vec<String>, ExecutorError>> {
        async { Ok(self.list().await?.into_iter().map(|job| job.id).collect()) }.boxed()
    }

    /// Does what removals of jobs had to leave undone because something else did not answer then. To be called every now
    /// and then; what still cannot be done waits for the next call.
    fn tidy(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

/// What [`Executor::start`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// The job runs now, or has ended already.
    Now,
    /// The id was started before; nothing was done.
    Already,
}

/// A place in a job's reports; opaque, ordered, and valid as long as the job is not destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first report.
    pub const START: Position = Position(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One thing that a job has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum JobReport {
    /// One or more whole lines, each ended by `\n`, at most 128 KiB in all. Bytes that are no UTF-8 are replaced by U+FFFD,
    /// lines longer than 64 KiB are cut into several, and masked values are `***` already.
    Output {
        /// Where to go on after this report.
        position: Position,
        time: Timestamp,
        text: String,
    },
    /// A step began (no `finished`) or ended.
    Step {
        /// Where to go on after this report.
        position: Position,
        record: StepRecord,
    },
    /// An ordered command began (no `finished`) or is over.
    Command {
        /// Where to go on after this report.
        position: Position,
        record: CommandRecord,
    },
    /// The last report.
    Ended(JobOutcome),
}

/// A job as [`Executor::list`] shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEntry {
    pub id: String,
    pub state: JobState,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Written down but not begun; a repeated `start` runs it.
    Waiting,
    Running,
    Ended,
    /// Begun, and nobody knows how it ended.
    Lost,
}

/// Why an executor could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// No such job was started, or it was destroyed.
    #[error("the job {0} is not known here")]
    UnknownJob(String),
    /// The job asks for something that cannot be given; repeating does not help.
    #[error("the job {id} cannot run: {reason}")]
    Unfit { id: String, reason: String },
    /// The machine refused; repeating may help.
    #[error("{doing}")]
    Io {
        /// What was being done, and to what.
        doing: String,
        #[source]
        source: io::Error,
    },
    /// The shim process said something unexpected or nothing.
    #[error("the shim of job {id} did not start: {reason}")]
    Shim { id: String, reason: String },
}

impl ExecutorError {
    /// Wraps an I/O error with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| ExecutorError::Io { doing, source }
    }
}
