//! Write transactions. On SQLite one thread owns the writing connection, runs whole transactions on it without handing
//! anything to another thread, and puts those that wait into one commit, because durability is paid per flush. Each keeps
//! its own savepoint, so one that fails takes nothing with it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::db::{Db, Store};
use crate::error::Error;
use crate::kept::Kept;
use crate::transitions::Transitions;
use crate::tx::Tx;

/// At most this many transactions share a commit, so that the first does not wait for ever.
const MAX_GROUP: usize = 128;
/// How often a transaction that PostgreSQL could not serialise is tried.
const MAX_TRIES: u32 = 8;

tokio::task_local! {
    /// Set while the code of a transaction runs.
    static IN_TRANSACTION: ();
}

/// A store that is used while one of its own transactions waits for the answer would wait for ever.
pub(crate) fn refuse_inside_another() -> Result<(), Error> {
    match IN_TRANSACTION.try_with(|()| ()) {
        Ok(()) => Err(Error::Nested),
        Err(_) => Ok(()),
    }
}

type RunFn = Box<dyn for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, bool> + Send + Sync>;

/// A transaction on its way to the writer.
pub(crate) struct Job {
    run: RunFn,
    done: oneshot::Sender<Result<(), Error>>,
}

impl Store {
    /// Runs `f` in one transaction; all of it happens when `f` gives `Ok`, nothing when it gives `Err`.
    ///
    /// `f` may be called again when another transaction was in the way, so it clones what it captures. The
    /// transaction goes on when the caller stops waiting. `f` uses the `Tx` that it is given and nothing else of the
    /// store: another transaction would wait for this one, and a read would not see what this one wrote.
    pub async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        refuse_inside_another()?;
        let slot: Arc<Mutex<Option<Result<T, E>>>> = Arc::default();
        let fill = slot.clone();
        let run: RunFn = Box::new(move |tx| {
            // What an earlier try left must not pass for this one's.
            *fill.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let work = f(tx);
            let fill = fill.clone();
            Box::pin(async move {
                let result = IN_TRANSACTION.scope((), work).await;
                let good = result.is_ok();
                *fill.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                good
            })
        });
        let (done, committed) = oneshot::channel();
        let job = Job { run, done };
        match &self.inner().db {
            Db::Sqlite { writer, .. } => writer.send(job).await.map_err(|_| Error::Closed)?,
            Db::Postgres(_) => {
                let store = self.clone();
                tokio::spawn(async move { run_on_postgres(store, job).await });
            }
        }
        let committed = committed.await.map_err(|_| Error::Closed)?;
        let result = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (committed, result) {
            (Err(e), Some(Ok(_)) | None) => Err(e.into()),
            (_, Some(result)) => result,
            (Ok(()), None) => Err(Error::Panicked.into()),
        }
    }
}

/// The writer's loop: one group of transactions after the other until the store is closed.
pub(crate) async fn run_writer(
    mut tx: Tx,
    mut jobs: mpsc::Receiver<Job>,
    kept: Arc<Kept>,
    hint: Arc<Notify>,
    transitions: Transitions,
) {
    while let Some(first) = jobs.recv().await {
        tx.wake_driver = false;
        tx.steps.clear();
        let mut waiting = Vec::new();
        let outcome = run_group(&mut tx, first, &mut jobs, &mut waiting).await;
        if let Err(e) = &outcome {
            tracing::error!(error = %e, transactions = waiting.len(), "a commit failed; nothing of it has happened");
            // The engine may have rolled back by itself (a full disk does that); then this has nothing to do.
            let _ = tx.execute("ROLLBACK", &[]).await;
        }
        if outcome.is_ok() {
            transitions.count(tx.steps.drain(..));
        }
        kept.forget();
        for done in waiting {
            let _ = done.send(outcome.as_ref().map(|_| ()).map_err(Error::again));
        }
        if outcome.is_ok() && tx.wake_driver {
            hint.notify_one();
        }
    }
}

async fn run_group(
    tx: &mut Tx,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
    waiting: &mut Vec<oneshot::Sender<Result<(), Error>>>,
) -> Result<(), Error> {
    waiting.push(first.done);
    tx.execute("BEGIN IMMEDIATE", &[]).await?;
    // The first has the transaction for itself until it is done; only those behind it need a savepoint.
    if !run_alone(tx, &first.run).await {
        tx.execute("ROLLBACK", &[]).await?;
        tx.execute("BEGIN IMMEDIATE", &[]).await?;
    }
    while waiting.len() < MAX_GROUP
        && let Ok(job) = jobs.try_recv()
    {
        waiting.push(job.done);
        run_job(tx, &job.run).await?;
    }
    tx.execute("COMMIT", &[]).await.map(|_| ())
}

async fn run_job(tx: &mut Tx, run: &RunFn) -> Result<(), Error> {
    tx.execute("SAVEPOINT job", &[]).await?;
    if !run_alone(tx, run).await {
        tx.execute("ROLLBACK TO job", &[]).await?;
    }
    tx.execute("RELEASE job", &[]).await.map(|_| ())
}

/// False when it wants to be undone, which is left to the caller.
async fn run_alone(tx: &mut Tx, run: &RunFn) -> bool {
    let steps = tx.steps.len();
    let good = AssertUnwindSafe(run(tx)).catch_unwind().await.unwrap_or(false);
    if !good {
        tx.steps.truncate(steps);
    }
    good
}

async fn run_on_postgres(store: Store, job: Job) {
    let mut outcome = Err(Error::Closed);
    for attempt in 1..=MAX_TRIES {
        // Whoever finds a row that was not there a moment ago looks again, once: it then sees what the other made,
        // and answers as it would have, had it come later.
        outcome = try_on_postgres(&store, &job.run, attempt == 1).await;
        match &outcome {
            Err(Error::Conflict(_)) if attempt < MAX_TRIES => {
                tokio::time::sleep(std::time::Duration::from_millis(u64::from(attempt) * 3)).await;
            }
            _ => break,
        }
    }
    let _ = job.done.send(outcome);
}

async fn try_on_postgres(store: &Store, run: &RunFn, duplicate_is_conflict: bool) -> Result<(), Error> {
    let mut tx = store.acquire().await?;
    tx.execute("BEGIN", &[]).await?;
    let good = AssertUnwindSafe(run(&mut tx)).catch_unwind().await.unwrap_or(false);
    if tx.conflict || (tx.duplicate && duplicate_is_conflict) {
        tx.execute("ROLLBACK", &[]).await?;
        return Err(Error::Conflict("a row was made that was not there a moment ago".into()));
    }
    if !good {
        tx.execute("ROLLBACK", &[]).await?;
        return Ok(());
    }
    tx.execute("COMMIT", &[]).await?;
    store.transitions().count(tx.steps.drain(..));
    if tx.wake_driver {
        store.driver_hint().notify_one();
    }
    Ok(())
}
