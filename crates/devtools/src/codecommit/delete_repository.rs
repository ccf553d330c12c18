//! `DeleteRepository`. As with AWS, deleting what is not there succeeds and names no id.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository as table;

use super::repository::{check_name, find_repository, repositories};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_id: Option<String>,
}

/// Deletes a repository. A push that is under way finds no row at its end and changes nothing.
pub async fn delete_repository(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check_name(&input.repository_name)?;
    let (scope, name) = (cx.scope().clone(), input.repository_name);
    let repository_id = cx
        .store
        .write(move |tx| {
            let (scope, name) = (scope.clone(), name.clone());
            Box::pin(async move {
                let Some(row) = find_repository(tx, &scope, &name).await? else { return Ok(None) };
                table::delete(tx, &row.id).await?;
                Ok::<_, ApiError>(Some(row.id))
            })
        })
        .await?;
    if let Some(id) = repository_id.clone() {
        let all = repositories(&cx.site);
        // The repository is gone as far as anyone can see, so a folder that resists is left to the next start.
        if let Err(e) = tokio::task::spawn_blocking(move || all.delete(&id)).await.map_err(ApiError::internal)? {
            tracing::warn!(error = %e, "a deleted repository's folder could not be deleted yet");
        }
    }
    Ok(Output { repository_id })
}
