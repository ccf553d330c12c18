//! TagResource: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::secretsmanager_secret;

use super::errors;
use super::find::{self, Nothing, Tag};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub tags: Vec<Tag>,
}

pub async fn tag_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = find::live(tx, cx, &input.secret_id).await?;
            row.tags.extend(find::tags(&input.tags));
            if row.tags.len() > 50 {
                return Err(errors::too_many_tags());
            }
            secretsmanager_secret::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
