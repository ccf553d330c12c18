//! Tells builds and sandboxes that the server runs again.

use base::Machine;
use engine::build::{Build, BuildInput};
use engine::sandbox::{Sandbox, SandboxState};
use futures_util::future::BoxFuture;
use store::setback::causes;
use store::{Error, machine};

use super::answer;
use crate::{DriverCx, First};

/// Builds told in one transaction.
const BATCH: usize = 64;

/// Gives every open build and sandbox its time anew, before a limit that passed while the server was down can end it.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildResume;

impl First for BuildResume {
    fn name(&self) -> &'static str {
        "resume builds"
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            let store = &cx.cx.store;
            let mut open = Vec::new();
            {
                let mut tx = store.read().await?;
                let builds = machine::with_status(&mut tx, Build::KIND, "IN_PROGRESS").await?;
                open.extend(builds.into_iter().map(|id| (Build::KIND, id)));
                for status in SandboxState::OPEN {
                    let sandboxes = machine::with_status(&mut tx, Sandbox::KIND, status).await?;
                    open.extend(sandboxes.into_iter().map(|id| (Sandbox::KIND, id)));
                }
            }
            for rows in open.chunks(BATCH) {
                let rows = rows.to_vec();
                let told = store.write(move |tx| {
                    let rows = rows.clone();
                    Box::pin(async move {
                        for (kind, id) in rows {
                            // One build that cannot be told must not keep all the others, and all else, from going on.
                            let told = id.clone();
                            let one = tx.attempt(|tx| {
                                Box::pin(async move {
                                    answer::step(tx, (kind, &told), BuildInput::Resumed {}).await.map(|_| ())
                                })
                            });
                            if let Err(e) = one.await? {
                                let error = causes(&e);
                                tracing::error!(build.id = %id, error, "a build cannot be told that the server runs again");
                            }
                        }
                        Ok::<_, Error>(())
                    })
                });
                told.await?;
            }
            Ok(())
        })
    }
}
