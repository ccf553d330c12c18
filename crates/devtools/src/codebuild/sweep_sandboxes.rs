//! Forgetting sandboxes that are over, and what was run in them.

use std::time::Duration;

use base::{Machine, Timestamp};
use engine::command_execution::CommandExecution;
use engine::sandbox::{Sandbox, SandboxState};
use store::setback::causes;
use store::{Error, Store, Tx, machine, outbox};

/// Rows removed in one transaction.
const AT_ONCE: u32 = 100;

/// Removes sandboxes of all accounts that ended more than `keep` ago, each with its command executions; gives how many
/// sandboxes went. Their logs stay.
pub async fn sweep_sandboxes(store: &Store, keep: Duration) -> Result<u64, Error> {
    let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp::from_micros(store.clock().now().micros().saturating_sub(keep));
    let mut gone = 0;
    for status in SandboxState::ENDED {
        // One that cannot be removed stays where it is in the list: all are asked for at once.
        let ids = machine::resting(&mut store.read().await?, (Sandbox::KIND, status), before, u32::MAX).await?;
        for id in ids {
            match forget(store, &id).await {
                Ok(true) => gone += 1,
                Ok(false) => {}
                Err(e) if e.is_passing() => return Err(e),
                Err(e) => tracing::error!(sandbox.id = %id, error = causes(&e), "a sandbox cannot be removed"),
            }
        }
    }
    Ok(gone)
}

/// False when something of it is still to be done.
async fn forget(store: &Store, id: &str) -> Result<bool, Error> {
    loop {
        let sandbox = id.to_owned();
        let step = store.write(move |tx| {
            let id = sandbox.clone();
            Box::pin(async move { forget_some(tx, &id).await })
        });
        match step.await? {
            Forgot::Some => {}
            Forgot::All => return Ok(true),
            Forgot::Nothing => return Ok(false),
        }
    }
}

enum Forgot {
    Nothing,
    Some,
    All,
}

async fn forget_some(tx: &mut Tx, id: &str) -> Result<Forgot, Error> {
    let Some(row) = machine::get::<Sandbox>(tx, id).await? else { return Ok(Forgot::Nothing) };
    if !outbox::of_machine(tx, Sandbox::KIND, id).await?.is_empty() {
        return Ok(Forgot::Nothing);
    }
    let commands = machine::positions::<CommandExecution>(tx, &row.scope, Some(id), None, AT_ONCE, false).await?;
    for command in &commands {
        machine::remove(tx, CommandExecution::KIND, &command.id).await?;
    }
    if commands.len() == AT_ONCE as usize {
        return Ok(Forgot::Some);
    }
    machine::remove(tx, Sandbox::KIND, id).await?;
    Ok(Forgot::All)
}
