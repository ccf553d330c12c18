//! `UpdateRepositoryName`. The objects stay where they are: folders are named by id.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository as table;

use super::errors;
use super::repository::{check_name, required};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    old_name: String,
    new_name: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Renames a repository.
pub async fn update_repository_name(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check_name(&input.new_name)?;
    let (scope, now) = (cx.scope().clone(), cx.now());
    cx.store
        .write(move |tx| {
            let (scope, Input { old_name, new_name }) = (scope.clone(), input.clone());
            Box::pin(async move {
                let mut row = required(tx, &scope, &old_name).await?;
                row.name.clone_from(&new_name);
                row.updated = now;
                table::update(tx, &row).await.map_err(|e| match e {
                    store::Error::Duplicate(_) => errors::repository_name_exists(&new_name),
                    other => ApiError::from(other),
                })
            })
        })
        .await?;
    Ok(Output {})
}
