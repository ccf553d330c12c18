//! Ending builds before they fill the disk that the server lives on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base::Machine;
use engine::build::{Build, BuildInput, DiskHold};
use engine::sandbox::{Sandbox, SandboxInput, SandboxState};
use futures_util::future::BoxFuture;
use store::setback::causes;
use store::{AdvanceError, Error, Tx, advance, machine};

use crate::cx::DriverCx;
use crate::sweep::Sweep;

/// Looks, two seconds apart, at which nothing but artifacts to be stored is left of the builds before those are given up
/// too: what the others had on the disk takes a moment to go.
const PATIENCE_LOOKS: u32 = 5;

/// Ends builds that are at work while there is less room than new work is refused at. The server needs the rest to say
/// so. Those that only have artifacts to store come last: their work is done, and it is lost with them.
#[derive(Debug, Default)]
pub struct DiskSweep {
    /// Looks since there was anything else to end.
    looks: AtomicU32,
}

impl Sweep for DiskSweep {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async {
            let disk = &cx.cx.site.disk;
            disk.look_quietly();
            if disk.room().is_ok() {
                self.looks.store(0, Ordering::Relaxed);
                return Ok(());
            }
            for (kind, id, hold) in self.doomed(cx).await? {
                let told = id.clone();
                let cut = cx.cx.store.write(move |tx| {
                    let id = told.clone();
                    Box::pin(async move { cut(tx, (kind, &id), hold).await })
                });
                let cut = match cut.await {
                    Ok(cut) => cut,
                    Err(e) if e.is_passing() => return Err(e.into()),
                    Err(e) => {
                        tracing::error!(build.id = %id, error = causes(&e), "a build cannot be ended, and the disk is full");
                        false
                    }
                };
                if cut {
                    tracing::error!(build.id = %id, disk.free_bytes = disk.free_bytes(), "a build is ended: the disk is full");
                }
            }
            Ok(())
        })
    }
}

impl DiskSweep {
    /// The builds that are to be ended now.
    async fn doomed(&self, cx: &DriverCx) -> Result<Vec<(&'static str, String, DiskHold)>, Error> {
        let mut tx = cx.cx.store.read().await?;
        let mut holders = Vec::new();
        for id in machine::with_status(&mut tx, Build::KIND, "IN_PROGRESS").await? {
            let hold = hold(&mut tx, Build::KIND, &id).await?;
            holders.extend(hold.map(|hold| (Build::KIND, id, hold)));
        }
        for status in SandboxState::OPEN {
            for id in machine::with_status(&mut tx, Sandbox::KIND, status).await? {
                let hold = hold(&mut tx, Sandbox::KIND, &id).await?;
                holders.extend(hold.map(|hold| (Sandbox::KIND, id, hold)));
            }
        }
        let only_storing = !holders.is_empty() && holders.iter().all(|(_, _, hold)| *hold == DiskHold::Storing);
        let looks = if only_storing { self.looks.load(Ordering::Relaxed) + 1 } else { 0 };
        self.looks.store(looks, Ordering::Relaxed);
        let wanted = if looks >= PATIENCE_LOOKS { DiskHold::Storing } else { DiskHold::Growing };
        holders.retain(|(_, _, hold)| *hold == wanted);
        Ok(holders)
    }
}

/// False when the build has gone on meanwhile: whoever is told something writes a line into its log of inputs.
async fn cut(tx: &mut Tx, (kind, id): (&'static str, &str), hold: DiskHold) -> Result<bool, Error> {
    if self::hold(tx, kind, id).await? != Some(hold) {
        return Ok(false);
    }
    if kind == Sandbox::KIND {
        return taken(advance::<Sandbox>(tx, id, SandboxInput::Session(BuildInput::DiskFull {})).await);
    }
    taken(advance::<Build>(tx, id, BuildInput::DiskFull {}).await)
}

fn taken<T, R>(advanced: Result<T, AdvanceError<R>>) -> Result<bool, Error> {
    match advanced {
        Ok(_) => Ok(true),
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => Ok(false),
        Err(AdvanceError::Store(e)) => Err(e),
    }
}

/// What a build, or a sandbox, has on the disk.
async fn hold(tx: &mut Tx, kind: &str, id: &str) -> Result<Option<DiskHold>, Error> {
    let read = match kind {
        Sandbox::KIND => {
            machine::get::<Sandbox>(tx, id).await.map(|row| row.and_then(|r| r.state.session.holds_disk()))
        }
        _ => machine::get::<Build>(tx, id).await.map(|row| row.and_then(|row| row.state.holds_disk())),
    };
    match read {
        // The others fill the disk all the same.
        Err(e @ Error::Corrupt { .. }) => {
            tracing::error!(build.id = %id, error = causes(&e), "a build cannot be read, so it is not ended");
            Ok(None)
        }
        read => read,
    }
}
