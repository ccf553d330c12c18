//! StartCommandExecution: orders a command in a sandbox that runs. Commands run one after the other, each in a shell of its
//! own that begins in the source's folder. A sandbox that is not RUNNING takes none.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartCommandExecution.html>.
//!
//! Deviation: a command has at most 64 KiB. AWS publishes no limit.

use base::{ApiError, Scope, Secret, Timestamp};
use engine::command_execution::{CommandExecution, ExecutionState, Progress};
use engine::sandbox::{Sandbox, SandboxInput};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::machine::{self, NewMachine};
use store::{AdvanceError, Tx, advance};

use super::batch_get_sandboxes::find;
use super::errors;
use super::sandbox_view::execution_view;

const MAX_COMMAND_LEN: usize = 64 << 10;
/// Commands that are not over, in one sandbox.
const MAX_OPEN: usize = 100;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub sandbox_id: String,
    pub command: Secret<String>,
    pub r#type: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub command_execution: Value,
}

/// Starts a command.
pub async fn start_command_execution(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check(&input)?;
    cx.room()?;
    let (scope, id, now) = (cx.scope().clone(), cx.ids.uuid().to_string(), cx.now());
    let view = cx.store.write(move |tx| {
        let (scope, id, input) = (scope.clone(), id.clone(), input.clone());
        Box::pin(async move { start(tx, &scope, id, input, now).await })
    });
    Ok(Output { command_execution: view.await? })
}

fn check(input: &Input) -> Result<(), ApiError> {
    if let Some(other) = input.r#type.as_deref().filter(|kind| *kind != "SHELL") {
        return Err(errors::invalid(format!("Invalid command type: {other}. Valid values: SHELL")));
    }
    let command = input.command.expose();
    if command.len() > MAX_COMMAND_LEN {
        let n = command.len();
        return Err(errors::invalid(format!("Invalid command: {n} bytes are more than {MAX_COMMAND_LEN}")));
    }
    if command.contains('\0') {
        return Err(errors::invalid("Invalid command: it contains a zero byte"));
    }
    Ok(())
}

async fn start(tx: &mut Tx, scope: &Scope, id: String, input: Input, now: Timestamp) -> Result<Value, ApiError> {
    let missing = || errors::sandbox_not_found(&input.sandbox_id);
    let row = find(tx, scope, &input.sandbox_id).await?.ok_or_else(missing)?;
    if row.state.open.len() >= MAX_OPEN {
        return Err(errors::invalid(format!("Sandbox {} has {MAX_OPEN} commands that are not over", row.id)));
    }
    let state = ExecutionState {
        id: id.clone(),
        sandbox: row.id.clone(),
        command: input.command.clone(),
        submitted: now,
        progress: Progress::Submitted,
    };
    let new = NewMachine { id: id.clone(), scope: scope.clone(), parent: row.id.clone(), state: state.clone() };
    machine::create::<CommandExecution>(tx, new).await?;
    let execute = SandboxInput::Execute { execution: id, command: input.command.clone() };
    match advance::<Sandbox>(tx, &row.id, execute).await {
        Ok(advanced) => Ok(execution_view(&advanced.state, &state)),
        Err(AdvanceError::Refused(refusal)) => Err(errors::invalid(format!("Invalid sandbox {}: {refusal}", row.id))),
        Err(AdvanceError::NotFound) => Err(missing()),
        Err(AdvanceError::Store(e)) => Err(e.into()),
    }
}
