//! BatchDeleteBuilds: forgets builds that are over. Their logs and artifacts stay, as on AWS.

use base::{ApiError, Machine, Scope};
use engine::build::Build;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::{Tx, machine, outbox};

use super::batch_get_builds::find;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub ids: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub builds_deleted: Vec<String>,
    pub builds_not_deleted: Vec<NotDeleted>,
}

/// `BuildNotDeleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotDeleted {
    pub id: String,
    pub status_code: &'static str,
}

/// Deletes builds.
pub async fn batch_delete_builds(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let (builds_deleted, builds_not_deleted) = cx
        .store
        .write(move |tx| {
            let (scope, ids) = (scope.clone(), input.ids.clone());
            Box::pin(async move { delete(tx, &scope, ids).await })
        })
        .await?;
    Ok(Output { builds_deleted, builds_not_deleted })
}

/// Deletes those that are over. The first list holds their ARNs.
pub(super) async fn delete(
    tx: &mut Tx,
    scope: &Scope,
    ids: Vec<String>,
) -> Result<(Vec<String>, Vec<NotDeleted>), ApiError> {
    let (mut deleted, mut kept) = (Vec::new(), Vec::new());
    for id in ids {
        let status_code = match find(tx, scope, &id).await? {
            None => "BUILD_NOT_FOUND",
            Some(row) => {
                // Until its last effect is done, its folder and its job are still there.
                let busy = !outbox::of_machine(tx, Build::KIND, &row.id).await?.is_empty();
                if row.state.completed().is_none() || busy {
                    "BUILD_IN_PROGRESS"
                } else {
                    machine::remove(tx, Build::KIND, &row.id).await?;
                    deleted.push(row.state.request.arn());
                    continue;
                }
            }
        };
        kept.push(NotDeleted { id, status_code });
    }
    Ok((deleted, kept))
}
