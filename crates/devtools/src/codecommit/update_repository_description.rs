//! `UpdateRepositoryDescription`. An absent or empty text takes the description away.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository as table;

use super::repository::required;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    repository_description: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Sets a repository's description.
pub async fn update_repository_description(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, now) = (cx.scope().clone(), cx.now());
    cx.store
        .write(move |tx| {
            let (scope, input) = (scope.clone(), input.clone());
            Box::pin(async move {
                let mut row = required(tx, &scope, &input.repository_name).await?;
                row.description = input.repository_description;
                row.updated = now;
                Ok::<_, ApiError>(table::update(tx, &row).await?)
            })
        })
        .await?;
    Ok(Output {})
}
