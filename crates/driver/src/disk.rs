//! Ending jobs before they fill the disk that the server lives on.

use std::time::Duration;

use base::Machine;
use engine::build::{Build, BuildInput, Stage};
use futures_util::future::BoxFuture;
use store::{AdvanceError, Error, Tx, advance, machine};

use crate::cx::DriverCx;
use crate::sweep::Sweep;

/// Ends running builds while there is less room than new work is refused at. The server needs the rest to say so.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskSweep;

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
                return Ok(());
            }
            let open = machine::with_status(&mut cx.cx.store.read().await?, Build::KIND, "IN_PROGRESS").await?;
            for id in open {
                let told = id.clone();
                let cut = cx.cx.store.write(move |tx| {
                    let id = told.clone();
                    Box::pin(async move { cut(tx, &id).await })
                });
                if cut.await? {
                    tracing::error!(build.id = %id, disk.free_bytes = disk.free_bytes(), "a build is ended: the disk is full");
                }
            }
            Ok(())
        })
    }
}

/// False when no job of the build runs: whoever is told something writes a line into its log of inputs, so only those are.
async fn cut(tx: &mut Tx, id: &str) -> Result<bool, Error> {
    let row = machine::get::<Build>(tx, id).await?;
    if !row.is_some_and(|row| matches!(row.state.stage, Stage::QueuedToRun(_) | Stage::Running(_))) {
        return Ok(false);
    }
    match advance::<Build>(tx, id, BuildInput::DiskFull {}).await {
        Ok(_) => Ok(true),
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => Ok(false),
        Err(AdvanceError::Store(e)) => Err(e),
    }
}
