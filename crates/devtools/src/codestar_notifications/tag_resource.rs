//! TagResource: adds tags to a rule, and answers with all that it then has.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_TagResource.html>

use base::{ApiError, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule as rules;

use super::lock::lock;
use super::{arn, errors, tags};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
    pub tags: Tags,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tags: Tags,
}

/// Adds tags.
pub async fn tag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let id = arn::rule(&scope, &input.arn)?;
    let tag = cx.store.write(move |tx| {
        let (scope, id, input) = (scope.clone(), id.clone(), input.clone());
        Box::pin(async move {
            lock(tx, &scope).await?;
            let mut row = rules::get(tx, &scope, &id).await?.ok_or_else(|| errors::not_found(&input.arn))?;
            row.tags.extend(input.tags);
            tags::check(&row.tags)?;
            rules::update(tx, &row).await?;
            Ok::<_, ApiError>(row.tags)
        })
    });
    Ok(Output { tags: tag.await? })
}
