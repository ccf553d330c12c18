//! Ending builds before they fill the disk that the server lives on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base::Machine;
use engine::build::{Build, BuildInput, DiskHold};
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
            for (id, hold) in self.doomed(cx).await? {
                let told = id.clone();
                let cut = cx.cx.store.write(move |tx| {
                    let id = told.clone();
                    Box::pin(async move { cut(tx, &id, hold).await })
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
    async fn doomed(&self, cx: &DriverCx) -> Result<Vec<(String, DiskHold)>, Error> {
        let mut tx = cx.cx.store.read().await?;
        let mut holders = Vec::new();
        for id in machine::with_status(&mut tx, Build::KIND, "IN_PROGRESS").await? {
            let row = match machine::get::<Build>(&mut tx, &id).await {
                Ok(row) => row,
                // The others fill the disk all the same.
                Err(e @ Error::Corrupt { .. }) => {
                    tracing::error!(build.id = %id, error = causes(&e), "a build cannot be read, so it is not ended");
                    continue;
                }
                Err(e) => return Err(e),
            };
            let hold = row.and_then(|row| row.state.holds_disk());
            holders.extend(hold.map(|hold| (id, hold)));
        }
        let only_storing = !holders.is_empty() && holders.iter().all(|(_, hold)| *hold == DiskHold::Storing);
        let looks = if only_storing { self.looks.load(Ordering::Relaxed) + 1 } else { 0 };
        self.looks.store(looks, Ordering::Relaxed);
        let wanted = if looks >= PATIENCE_LOOKS { DiskHold::Storing } else { DiskHold::Growing };
        holders.retain(|(_, hold)| *hold == wanted);
        Ok(holders)
    }
}

/// False when the build has gone on meanwhile: whoever is told something writes a line into its log of inputs.
async fn cut(tx: &mut Tx, id: &str, hold: DiskHold) -> Result<bool, Error> {
    let row = machine::get::<Build>(tx, id).await?;
    if row.is_none_or(|row| row.state.holds_disk() != Some(hold)) {
        return Ok(false);
    }
    match advance::<Build>(tx, id, BuildInput::DiskFull {}).await {
        Ok(_) => Ok(true),
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => Ok(false),
        Err(AdvanceError::Store(e)) => Err(e),
    }
}
