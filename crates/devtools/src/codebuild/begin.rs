//! Makes a build's row and sets it going, in the caller's transaction.

use base::{ApiError, Scope};
use engine::build::{Build, BuildInput, BuildState, Request};
use store::machine::{self, NewMachine};
use store::tables::{codebuild_project, codebuild_token};
use store::{AdvanceError, Tx, advance};

use super::commands::is_managed;
use super::errors::{invalid, project_not_found};
use super::queue;

/// How long a token stands for the build that it started.
const TOKEN_LIFE: std::time::Duration = std::time::Duration::from_secs(300);

/// A client's idempotency token with a digest of what it was sent with.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub token: String,
    pub request: String,
}

/// Starts the build of `request`, or gives the one that `token` has started before.
pub(super) async fn begin(tx: &mut Tx, mut request: Request, token: Option<&Token>) -> Result<BuildState, ApiError> {
    let scope = request.scope.clone();
    if let Some(token) = token
        && let Some(state) = used(tx, &scope, token).await?
    {
        return Ok(state);
    }
    queue::settle(tx, &mut request).await?;
    let arn = scope.arn("codebuild", format!("project/{}", request.project));
    request.number = match is_managed(&request.project) {
        // Nothing counts them.
        true => 1,
        false => {
            let number = codebuild_project::next_build(tx, &scope, &request.project).await?;
            number.ok_or_else(|| project_not_found(&arn))?
        }
    };
    let (id, parent) = (request.id.clone(), request.project.clone());
    let state = BuildState::new(request);
    machine::create::<Build>(tx, NewMachine { id: id.clone(), scope: scope.clone(), parent, state }).await?;
    if let Some(token) = token {
        codebuild_token::put(tx, &scope, &token.token, &token.request, &id).await?;
    }
    advance::<Build>(tx, &id, BuildInput::Start).await.map(|advanced| advanced.state).map_err(|e| match e {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::NotFound | AdvanceError::Refused(_) => ApiError::internal(e),
    })
}

async fn used(tx: &mut Tx, scope: &Scope, token: &Token) -> Result<Option<BuildState>, ApiError> {
    let Some(id) = used_for(tx, scope, token).await? else { return Ok(None) };
    Ok(machine::get::<Build>(tx, &id).await?.map(|row| row.state))
}

/// What a token has started before: the id of a build or of a batch.
pub(super) async fn used_for(tx: &mut Tx, scope: &Scope, token: &Token) -> Result<Option<String>, ApiError> {
    // Two requests with one token may come at once; the second waits here and then finds what the first did.
    tx.lock(&format!("codebuild-token:{}:{}:{}", scope.account, scope.region, token.token)).await?;
    let since = tx.now() - TOKEN_LIFE;
    let Some(row) = codebuild_token::get(tx, scope, &token.token, since).await? else { return Ok(None) };
    if row.request != token.request {
        return Err(invalid("Invalid idempotency token: it was used with other parameters before"));
    }
    Ok(Some(row.build))
}
