//! Tells builds, sandboxes and batches that the server runs again.

use base::Machine;
use engine::build::{Build, BuildInput};
use engine::build_batch::{BatchInput, BuildBatch};
use engine::sandbox::{Sandbox, SandboxState};
use futures_util::future::BoxFuture;
use store::setback::causes;
use store::{Error, Tx, machine, owners};

use super::answer;
use crate::{DriverCx, First};

/// Rows told in one transaction.
const AT_ONCE: usize = 64;

/// Adds the time for which the server was down to the limits of all that is open, before one that passed meanwhile can
/// end it. What another server works at goes on there, and is left alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildResume;

impl First for BuildResume {
    fn name(&self) -> &'static str {
        "resume builds"
    }

    fn run<'a>(&'a self, cx: &'a DriverCx, owner: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let running = [(Build::KIND, "IN_PROGRESS"), (BuildBatch::KIND, "IN_PROGRESS")];
            for (kind, status) in running.into_iter().chain(SandboxState::OPEN.map(|status| (Sandbox::KIND, status))) {
                let open = machine::with_status(&mut cx.cx.store.read().await?, kind, status).await?;
                for ids in open.chunks(AT_ONCE) {
                    resume(cx, owner, kind, ids.to_vec()).await?;
                }
            }
            Ok(())
        })
    }
}

async fn resume(cx: &DriverCx, owner: &str, kind: &'static str, ids: Vec<String>) -> Result<(), Error> {
    let owner = owner.to_owned();
    let told = cx.cx.store.write(move |tx| {
        let (owner, ids) = (owner.clone(), ids.clone());
        Box::pin(async move {
            for id in ids {
                // One build that cannot be told must not keep all the others, and all else, from going on.
                let (me, told) = (owner.clone(), id.clone());
                let one = tx.attempt(|tx| Box::pin(async move { tell(tx, &me, kind, &told).await }));
                if let Err(e) = one.await? {
                    let error = causes(&e);
                    tracing::error!(
                        machine.kind = kind,
                        machine.id = %id,
                        error,
                        "a build cannot be told that the server runs again"
                    );
                }
            }
            Ok::<_, Error>(())
        })
    });
    told.await
}

async fn tell(tx: &mut Tx, me: &str, kind: &'static str, id: &str) -> Result<(), Error> {
    let Some(down) = owners::down_for(tx, me, kind, id).await? else { return Ok(()) };
    let down_seconds = down.as_secs();
    if kind == BuildBatch::KIND {
        crate::build_batch::step(tx, id, BatchInput::Resumed { down_seconds }).await.map(|_| ())
    } else {
        answer::step(tx, (kind, id), BuildInput::Resumed { down_seconds }).await.map(|_| ())
    }
}
