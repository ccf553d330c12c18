//! Makes a batch's row and sets it going, in the caller's transaction.

use base::ApiError;
use engine::build::{Parent, Request};
use engine::build_batch::{BatchInput, BatchRequest, BatchState, BuildBatch, Restrictions};
use store::machine::{self, NewMachine};
use store::tables::{codebuild_project, codebuild_token};
use store::{AdvanceError, Tx, advance};

use super::begin::{Token, used_for};
use super::errors::{invalid, project_not_found};
use super::shapes::BuildBatchConfig;

/// The default of the service, eight hours.
const TIMEOUT_MINUTES: u32 = 480;

/// What a batch is settled with. The template's own parent must be gone: the batch is what it answers to.
pub(super) fn batch_request(
    template: Request,
    config: BuildBatchConfig,
    parent: Option<Parent>,
) -> Result<BatchRequest, ApiError> {
    if config.service_role.as_deref().unwrap_or_default().is_empty() {
        return Err(invalid(format!(
            "Invalid batch configuration: buildBatchConfig of project {} has no serviceRole",
            template.project
        )));
    }
    let restrictions = config.restrictions.clone().unwrap_or_default();
    Ok(BatchRequest {
        template,
        number: 0,
        timeout_minutes: config.timeout_in_mins.unwrap_or(TIMEOUT_MINUTES),
        combine_artifacts: config.combine_artifacts.unwrap_or(false),
        restrictions: Restrictions {
            maximum_builds: restrictions.maximum_builds_allowed,
            compute_types: restrictions.compute_types_allowed.unwrap_or_default(),
            fleets: restrictions.fleets_allowed.unwrap_or_default(),
        },
        parent,
        config: serde_json::to_value(config).map_err(ApiError::internal)?,
    })
}

/// Starts the batch of `request`, or gives the one that `token` has started before.
pub(super) async fn begin_batch(
    tx: &mut Tx,
    mut request: BatchRequest,
    token: Option<&Token>,
) -> Result<BatchState, ApiError> {
    let (scope, project) = (request.template.scope.clone(), request.template.project.clone());
    if let Some(token) = token
        && let Some(id) = used_for(tx, &scope, token).await?
        && let Some(row) = machine::get::<BuildBatch>(tx, &id).await?
    {
        return Ok(row.state);
    }
    let arn = scope.arn("codebuild", format!("project/{project}"));
    let number = codebuild_project::next_batch(tx, &scope, &project).await?;
    request.number = number.ok_or_else(|| project_not_found(&arn))?;
    let id = request.template.id.clone();
    let state = BatchState::new(request);
    let new = NewMachine { id: id.clone(), scope: scope.clone(), parent: project, state };
    machine::create::<BuildBatch>(tx, new).await?;
    if let Some(token) = token {
        codebuild_token::put(tx, &scope, &token.token, &token.request, &id).await?;
    }
    advance::<BuildBatch>(tx, &id, BatchInput::Start).await.map(|advanced| advanced.state).map_err(|e| match e {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::NotFound | AdvanceError::Refused(_) => ApiError::internal(e),
    })
}
