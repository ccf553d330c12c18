//! Results on their way back to the machine: a build, or a sandbox, whose environment is like one.

use base::Machine;
use engine::build::{Build, BuildInput, BuildState, container_line};
use engine::sandbox::{Sandbox, SandboxInput};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{AdvanceError, Tx, advance, machine};

use super::log;
use super::report::Reported;
use crate::PerformError;

/// The build as it stands; `None` when its row is gone.
pub(super) async fn state(cx: &Cx, claimed: &Claimed) -> Result<Option<BuildState>, PerformError> {
    Ok(get(&mut cx.store.read().await?, &claimed.kind, &claimed.machine_id).await?)
}

/// The build, or what is like one in a sandbox.
async fn get(tx: &mut Tx, kind: &str, id: &str) -> Result<Option<BuildState>, store::Error> {
    if kind == Sandbox::KIND {
        return Ok(machine::get::<Sandbox>(tx, id).await?.map(|row| row.state.session));
    }
    Ok(machine::get::<Build>(tx, id).await?.map(|row| row.state))
}

/// Tells the machine something on the way; the effect goes on.
pub(super) async fn tell(cx: &Cx, claimed: &Claimed, input: BuildInput) -> Result<Option<BuildState>, PerformError> {
    let claimed = claimed.clone();
    let told = cx.store.write(move |tx| {
        let (claimed, input) = (claimed.clone(), input.clone());
        Box::pin(async move { step(tx, (&claimed.kind, &claimed.machine_id), input).await })
    });
    Ok(told.await?)
}

/// Tells the machine the effect's result and takes the effect out of the outbox, in one transaction.
pub(super) async fn result(cx: &Cx, claimed: &Claimed, input: BuildInput) -> Result<Option<BuildState>, PerformError> {
    let claimed = claimed.clone();
    let told = cx.store.write(move |tx| {
        let (claimed, input) = (claimed.clone(), input.clone());
        Box::pin(async move {
            let state = step(tx, (&claimed.kind, &claimed.machine_id), input).await?;
            outbox::finish(tx, &claimed).await?;
            Ok::<_, store::Error>(state)
        })
    });
    Ok(told.await?)
}

/// Writes the reports and lines for the log, tells the machine the effect's result, if there is one to tell, and takes the
/// effect out of the outbox, in one transaction.
pub(super) async fn told(
    cx: &Cx,
    claimed: &Claimed,
    reported: Reported,
    lines: Vec<String>,
    input: Option<BuildInput>,
) -> Result<(), PerformError> {
    let claimed = claimed.clone();
    let told = cx.store.write(move |tx| {
        let (claimed, reported, lines, input) = (claimed.clone(), reported.clone(), lines.clone(), input.clone());
        Box::pin(async move {
            reported.write(tx, &claimed).await?;
            let state = get(tx, &claimed.kind, &claimed.machine_id).await?;
            if let Some(logs) = state.map(|state| state.request.logs) {
                let now = tx.now();
                let lines: Vec<_> = lines.iter().map(|text| log::line(now, &container_line(now, text))).collect();
                log::append(tx, &claimed.scope, &logs, &lines).await?;
            }
            if let Some(input) = input {
                step(tx, (&claimed.kind, &claimed.machine_id), input).await?;
            }
            outbox::finish(tx, &claimed).await
        })
    });
    Ok(told.await?)
}

/// Takes an effect that has no result out of the outbox.
pub(super) async fn done(cx: &Cx, claimed: &Claimed) -> Result<(), PerformError> {
    let claimed = claimed.clone();
    let done = cx.store.write(move |tx| {
        let claimed = claimed.clone();
        Box::pin(async move { outbox::finish(tx, &claimed).await })
    });
    Ok(done.await?)
}

/// One step of the row of this kind and id; a refusal (of what came too late) is no error.
pub(super) async fn step(
    tx: &mut Tx,
    (kind, id): (&str, &str),
    input: BuildInput,
) -> Result<Option<BuildState>, store::Error> {
    let advanced = if kind == Sandbox::KIND {
        let advanced = advance::<Sandbox>(tx, id, SandboxInput::Session(input)).await;
        advanced.map(|advanced| advanced.state.session).map_err(without_type)
    } else {
        advance::<Build>(tx, id, input).await.map(|advanced| advanced.state).map_err(without_type)
    };
    match advanced {
        Ok(state) => Ok(Some(state)),
        Err(AdvanceError::NotFound) => Ok(None),
        Err(AdvanceError::Refused(refusal)) => {
            tracing::warn!(build.id = id, refusal, "a {kind} refused a result");
            get(tx, kind, id).await
        }
        Err(AdvanceError::Store(e)) => Err(e),
    }
}

fn without_type<R: std::fmt::Display>(e: AdvanceError<R>) -> AdvanceError<String> {
    match e {
        AdvanceError::NotFound => AdvanceError::NotFound,
        AdvanceError::Refused(refusal) => AdvanceError::Refused(refusal.to_string()),
        AdvanceError::Store(e) => AdvanceError::Store(e),
    }
}
