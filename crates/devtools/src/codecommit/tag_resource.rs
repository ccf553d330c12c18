//! `TagResource`.

use base::{ApiError, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository as table;

use super::repository::{add_tags, by_arn};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    resource_arn: String,
    tags: Tags,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Adds tags to a repository or changes their values.
pub async fn tag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, input) = (scope.clone(), input.clone());
            Box::pin(async move {
                let mut row = by_arn(tx, &scope, &input.resource_arn).await?;
                add_tags(&mut row.tags, input.tags)?;
                Ok::<_, ApiError>(table::update(tx, &row).await?)
            })
        })
        .await?;
    Ok(Output {})
}
