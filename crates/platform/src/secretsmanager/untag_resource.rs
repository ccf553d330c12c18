//! UntagResource: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::secretsmanager_secret;

use super::find::{self, Nothing};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub tag_keys: Vec<String>,
}

pub async fn untag_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = find::live(tx, cx, &input.secret_id).await?;
            row.tags.retain(|key, _| !input.tag_keys.contains(key));
            secretsmanager_secret::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
