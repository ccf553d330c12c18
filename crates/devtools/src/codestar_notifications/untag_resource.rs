//! UntagResource: removes tags from a rule.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_UntagResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule as rules;

use super::lock::lock;
use super::{arn, errors};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
    pub tag_keys: Vec<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Removes tags.
pub async fn untag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let id = arn::rule(&scope, &input.arn)?;
    let untag = cx.store.write(move |tx| {
        let (scope, id, input) = (scope.clone(), id.clone(), input.clone());
        Box::pin(async move {
            lock(tx, &scope).await?;
            let mut row = rules::get(tx, &scope, &id).await?.ok_or_else(|| errors::not_found(&input.arn))?;
            row.tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok::<_, ApiError>(rules::update(tx, &row).await?)
        })
    });
    untag.await?;
    Ok(Output {})
}
