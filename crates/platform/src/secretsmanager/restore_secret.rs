//! RestoreSecret: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html>. A secret that
//! was not deleted is left as it is.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::secretsmanager_secret;

use super::find;
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
}

pub async fn restore_secret(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = find::any(tx, cx, &input.secret_id).await?;
            row.deleted = None;
            row.ends = None;
            secretsmanager_secret::update(tx, &row).await?;
            Ok(Output { arn: row.arn, name: row.name })
        })
    })
    .await
}
