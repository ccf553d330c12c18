//! The driver's loop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::Timestamp;
use store::{Error, outbox, owners, timers};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::bus::{self, Subscriber};
use crate::claims::{Claims, LEASE};
use crate::cx::{DriverCx, Stopping};
use crate::first::First;
use crate::performer::Performer;
use crate::sweep::Sweep;

/// The longest time between two looks at the tables, should every hint be lost.
const TICK: Duration = Duration::from_secs(2);
/// Timers fired in one transaction.
const TIMERS: u32 = 64;
/// How often leases are renewed and a sign of life is left. A server that dies is taken to have lived until the next one
/// was due: time in which it may have worked is no downtime.
const BEAT: Duration = Duration::from_secs(30);
/// The pause after a failure of the store.
const AGAIN: Duration = Duration::from_millis(500);
/// How long effects that are at work may take when the server stops. Who only follows a job ends at once, by
/// `DriverCx::stopping`: jobs go on without us.
const GRACE: Duration = Duration::from_secs(3);

/// A driver that is being put together.
pub struct Driver {
    cx: DriverCx,
    owner: String,
    performers: BTreeMap<&'static str, Arc<dyn Performer>>,
    subscribers: Vec<Arc<dyn Subscriber>>,
    sweeps: Vec<Arc<dyn Sweep>>,
    firsts: Vec<Arc<dyn First>>,
}

/// A running driver.
pub struct DriverHandle {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl DriverHandle {
    /// Claims nothing more, waits a moment for what is nearly done, gives the rest back.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }

    /// Stops in the middle of whatever it does, as a crash would.
    pub async fn abort(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Driver {
    /// `owner` names this installation's driver: at start, leases under this name are taken for a dead one's.
    pub fn new(cx: DriverCx, owner: impl Into<String>) -> Self {
        let owner = owner.into();
        let (performers, subscribers, sweeps, firsts) = Default::default();
        Driver { cx, owner, performers, subscribers, sweeps, firsts }
    }

    /// Adds a performer; there is one for each kind of machine.
    pub fn with(mut self, performer: impl Performer + 'static) -> Self {
        self.performers.insert(performer.kind(), Arc::new(performer));
        self
    }

    /// Adds a listener to events.
    pub fn subscribe(mut self, subscriber: impl Subscriber + 'static) -> Self {
        self.subscribers.push(Arc::new(subscriber));
        self
    }

    /// Adds a sweep.
    pub fn sweep(mut self, sweep: impl Sweep + 'static) -> Self {
        self.sweeps.push(Arc::new(sweep));
        self
    }

    /// Adds what is done before anything else.
    pub fn first(mut self, first: impl First + 'static) -> Self {
        self.firsts.push(Arc::new(first));
        self
    }

    /// Starts the loop.
    pub fn start(mut self) -> DriverHandle {
        let (stop, stopped) = watch::channel(false);
        self.cx.stopping = Stopping::of(stopped.clone());
        let task = tokio::spawn(self.run(stopped));
        DriverHandle { stop, task }
    }

    async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut background = JoinSet::new();
        for sweep in &self.sweeps {
            background.spawn(run_sweep(sweep.clone(), self.cx.clone()));
        }
        let store = self.cx.cx.store.clone();
        for first in &self.firsts {
            tokio::select! {
                () = run_first(first.as_ref(), &self.cx, &self.owner) => {}
                // Without a sign of life: for those who were not told yet this server has never run.
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        }
        // Nobody else takes them back: their leases would be renewed with those of this run.
        while let Err(e) = release(&self.cx, &self.owner, BEAT).await {
            tracing::error!(error = %e, "cannot take back the effects of the last run; the driver will try again");
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                _ = stopped.wait_for(|stop| *stop) => break,
            }
        }
        background.spawn(renew_leases(self.cx.clone(), self.owner.clone()));
        let subscribers = Arc::new(self.subscribers);
        let mut claims =
            Claims { performers: Arc::new(self.performers), owner: self.owner.clone(), tasks: JoinSet::new() };
        let hint = store.driver_hint();
        while !*stopped.borrow() {
            let hinted = hint.notified();
            let next = match pass(&self.cx, &mut claims, &subscribers).await {
                Ok(next) => next,
                Err(e) => {
                    tracing::error!(error = %e, "the driver cannot read its tables; it will try again");
                    Instant::now() + AGAIN
                }
            };
            tokio::select! {
                () = hinted => {}
                () = sleep_until(next) => {}
                _ = stopped.changed() => {}
            }
        }
        background.shutdown().await;
        let _ = tokio::time::timeout(GRACE, async { while claims.tasks.join_next().await.is_some() {} }).await;
        claims.tasks.shutdown().await;
        if let Err(e) = release(&self.cx, &self.owner, Duration::ZERO).await {
            tracing::warn!(error = %e, "cannot give effects back; the next start does");
        }
    }
}

/// Looks at everything once and says when to look again.
async fn pass(
    cx: &DriverCx,
    claims: &mut Claims,
    subscribers: &Arc<Vec<Arc<dyn Subscriber>>>,
) -> Result<Instant, Error> {
    let store = &cx.cx.store;
    let due = store::due(&mut store.read().await?).await?;
    let now = cx.cx.now();
    let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let mut more = false;
    if is_due(due.timer) {
        let fired = store.write(|tx| Box::pin(async move { timers::fire_due(tx, TIMERS).await })).await?;
        more |= fired == TIMERS as usize;
    }
    // At the same time, so that they share a commit.
    let claim = async { if is_due(due.effect) { claims.take(cx).await } else { Ok(false) } };
    let publish = async { if is_due(due.event) { bus::publish(store, subscribers).await } else { Ok(false) } };
    let (claimed, published) = tokio::join!(claim, publish);
    more |= claimed? | published?;
    if more {
        return Ok(Instant::now());
    }
    let wait =
        [due.timer, due.effect, due.event].into_iter().flatten().map(|at| at.since(now)).filter(|d| !d.is_zero()).min();
    Ok(Instant::now() + wait.unwrap_or(TICK).min(TICK))
}

/// Gives back what is held under the name; whoever bears it lives for `lives` at least.
async fn release(cx: &DriverCx, owner: &str, lives: Duration) -> Result<(), Error> {
    let owner = owner.to_owned();
    let write = cx.cx.store.write(move |tx| {
        let owner = owner.clone();
        Box::pin(async move {
            let until = tx.now() + lives;
            owners::beat(tx, &owner, until).await?;
            outbox::release(tx, &owner).await
        })
    });
    write.await.map(|_| ())
}

async fn renew_leases(cx: DriverCx, owner: String) {
    loop {
        tokio::time::sleep(BEAT).await;
        let owner = owner.clone();
        let renewed = cx.cx.store.write(move |tx| {
            let owner = owner.clone();
            Box::pin(async move {
                let until = tx.now() + BEAT;
                owners::beat(tx, &owner, until).await?;
                outbox::renew(tx, &owner, LEASE).await
            })
        });
        if let Err(e) = renewed.await {
            tracing::error!(error = %e, "cannot renew the leases of effects in flight");
        }
    }
}

async fn run_first(first: &dyn First, cx: &DriverCx, owner: &str) {
    while let Err(e) = first.run(cx, owner).await {
        tracing::error!(error = %e, first = first.name(), "the driver cannot begin; it will try again");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn run_sweep(sweep: Arc<dyn Sweep>, cx: DriverCx) {
    loop {
        if let Err(e) = sweep.run(&cx).await {
            tracing::error!(error = %e, sweep = sweep.name(), "a sweep failed; it will run again");
        }
        tokio::time::sleep(sweep.every()).await;
    }
}
