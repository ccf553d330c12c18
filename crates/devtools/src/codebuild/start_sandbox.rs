//! StartSandbox: settles the environment of the project's builds and sets it going, without a buildspec; the answer comes
//! as soon as the request is on disk. A project that a pipeline builds has no sources of its own, so none is started.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartSandbox.html> and
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/sandbox.html>.

use base::ApiError;
use engine::build::{BuildInput, BuildspecFrom, Purpose, Request};
use engine::sandbox::{Sandbox, SandboxInput, SandboxState};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::machine::{self, NewMachine};
use store::tables::codebuild_token;
use store::{AdvanceError, Tx, advance};

use super::begin::{Token, used_for};
use super::project::{find, name_of, parse};
use super::sandbox_view::view;
use super::settle::{Particulars, initiator, settle};
use super::start_build::token;
use super::{check, errors, queue};

/// The request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub project_name: Option<String>,
    pub idempotency_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub sandbox: Value,
}

/// Starts a sandbox.
pub async fn start_sandbox(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let project = input.project_name.clone().ok_or_else(|| errors::invalid("Project name is required"))?;
    cx.room()?;
    let token = token(input.idempotency_token.as_deref(), &("StartSandbox", &input))?;
    let (uuid, initiator, submitted) = (cx.ids.uuid().to_string(), initiator(cx), cx.now());
    let context = cx.clone();
    let state = cx
        .store
        .write(move |tx| {
            let (cx, project, token) = (context.clone(), project.clone(), token.clone());
            let this = Particulars { uuid: uuid.clone(), initiator: initiator.clone(), parent: None, submitted };
            Box::pin(async move {
                let name = name_of(cx.scope(), &project);
                let missing = || errors::project_not_found(&cx.arn("codebuild", format!("project/{name}")));
                let row = find(tx, cx.scope(), name).await?.ok_or_else(missing)?;
                let project = parse(&row)?.with_defaults(&cx);
                check::project(&cx, &project)?;
                if project.source.kind() == "CODEPIPELINE" {
                    let why = "a project with source type CODEPIPELINE has its sources from its pipeline alone";
                    return Err(errors::invalid(format!("Invalid project: {why}")));
                }
                let mut request = settle(&cx, &project, this)?;
                request.purpose = Purpose::Sandbox;
                request.auto_retry = None;
                // None is read, so a source without one will do.
                request.buildspec = BuildspecFrom::Inline(String::new());
                begin(tx, request, token.as_ref()).await
            })
        })
        .await?;
    Ok(Output { sandbox: view(&state) })
}

async fn begin(tx: &mut Tx, mut request: Request, token: Option<&Token>) -> Result<SandboxState, ApiError> {
    let scope = request.scope.clone();
    if let Some(token) = token
        && let Some(id) = used_for(tx, &scope, token).await?
        && let Some(row) = machine::get::<Sandbox>(tx, &id).await?
    {
        return Ok(row.state);
    }
    queue::settle(tx, &mut request).await?;
    let (id, parent) = (request.id.clone(), request.project.clone());
    let state = SandboxState::new(request);
    machine::create::<Sandbox>(tx, NewMachine { id: id.clone(), scope: scope.clone(), parent, state }).await?;
    if let Some(token) = token {
        codebuild_token::put(tx, &scope, &token.token, &token.request, &id).await?;
    }
    let started = advance::<Sandbox>(tx, &id, SandboxInput::Session(BuildInput::Start)).await;
    started.map(|advanced| advanced.state).map_err(|e| match e {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::NotFound | AdvanceError::Refused(_) => ApiError::internal(e),
    })
}
