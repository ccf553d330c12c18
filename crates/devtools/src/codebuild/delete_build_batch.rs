//! DeleteBuildBatch: forgets a batch that is over, with all its builds.

use base::{ApiError, Machine};
use engine::build_batch::{BuildBatch, GroupState};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::{machine, outbox};

use super::batch_delete_builds::{NotDeleted, delete};
use super::batch_get_build_batches::find_batch;
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub id: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub status_code: &'static str,
    pub builds_deleted: Vec<String>,
    pub builds_not_deleted: Vec<NotDeleted>,
}

/// Deletes a batch. When one of its builds cannot be deleted, the batch stays and says so.
pub async fn delete_build_batch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if !input.id.contains(':') {
        return Err(errors::invalid("Invalid build batch ID provided"));
    }
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, id) = (scope.clone(), input.id.clone());
            Box::pin(async move {
                let not_found = || errors::invalid(format!("Build batch {id} does not exist"));
                let row = find_batch(tx, &scope, &id).await?.ok_or_else(not_found)?;
                let busy = !outbox::of_machine(tx, BuildBatch::KIND, &row.id).await?.is_empty();
                if row.state.completed().is_none() || busy {
                    return Err(errors::invalid(format!("Build batch {id} cannot be deleted while it is in progress")));
                }
                let (builds_deleted, mut kept) = delete(tx, &scope, builds(&row.state)).await?;
                // A build that was deleted before, or never made, is none that stays.
                kept.retain(|build| build.status_code != "BUILD_NOT_FOUND");
                let status_code = if kept.is_empty() {
                    machine::remove(tx, BuildBatch::KIND, &row.id).await?;
                    "BATCH_DELETED"
                } else {
                    "BATCH_NOT_DELETED"
                };
                Ok(Output { status_code, builds_deleted, builds_not_deleted: kept })
            })
        })
        .await
}

fn builds(state: &engine::build_batch::BatchState) -> Vec<String> {
    let groups = state.groups.iter();
    groups
        .flat_map(|group| {
            let current = match &group.state {
                GroupState::Running(run) => Some(run),
                GroupState::Ended(ending) => Some(&ending.run),
                GroupState::Waiting | GroupState::NeverBegan => None,
            };
            group.prior.iter().map(|ending| &ending.run).chain(current).map(|run| run.build.clone())
        })
        .collect()
}
