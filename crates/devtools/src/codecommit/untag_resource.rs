//! `UntagResource`. Keys that are not there do not matter.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository as table;

use super::repository::by_arn;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Takes tags away from a repository.
pub async fn untag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, input) = (scope.clone(), input.clone());
            Box::pin(async move {
                let mut row = by_arn(tx, &scope, &input.resource_arn).await?;
                row.tags.retain(|key, _| !input.tag_keys.contains(key));
                Ok::<_, ApiError>(table::update(tx, &row).await?)
            })
        })
        .await?;
    Ok(Output {})
}
