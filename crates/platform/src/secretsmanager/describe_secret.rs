//! DescribeSecret: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>. Deleted
//! secrets are shown until their end.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::find;
use super::shape::{Described, Stages, describe, stages};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(flatten)]
    pub described: Described,
    #[serde(skip_serializing_if = "Stages::is_empty")]
    pub version_ids_to_stages: Stages,
}

pub async fn describe_secret(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = find::any(&mut tx, cx, &input.secret_id).await?;
    let version_ids_to_stages = stages(&mut tx, &row.arn).await?;
    Ok(Output { described: describe(row), version_ids_to_stages })
}
