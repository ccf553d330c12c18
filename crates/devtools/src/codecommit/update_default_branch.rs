//! `UpdateDefaultBranch`: the branch must exist. `HEAD` on disk follows, so that clones check it out.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::{codecommit_ref, codecommit_repository as table};

use super::repository::{branch_ref, open, required};
use super::{errors, publish};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    default_branch_name: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Makes another branch the default.
pub async fn update_default_branch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = branch_ref(&input.default_branch_name)?;
    let (scope, now) = (cx.scope().clone(), cx.now());
    let row = cx
        .store
        .write(move |tx| {
            let (scope, input, name) = (scope.clone(), input.clone(), name.clone());
            Box::pin(async move {
                let found = required(tx, &scope, &input.repository_name).await?;
                let gone = || errors::repository_does_not_exist(&input.repository_name);
                let row = table::next_number(tx, &found.id, now).await?.ok_or_else(gone)?;
                if codecommit_ref::get(tx, &row.id, &name).await?.is_none() {
                    return Err(errors::branch_does_not_exist());
                }
                table::set_default_branch(tx, &row.id, &input.default_branch_name).await?;
                Ok::<_, ApiError>(row)
            })
        })
        .await?;
    publish::mirror(&cx.store, &open(cx, &row).await?).await?;
    Ok(Output {})
}
