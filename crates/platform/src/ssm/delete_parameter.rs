//! DeleteParameter: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html>. All
//! versions go.

use base::ApiError;
use serde::Deserialize;
use store::tables::ssm_parameter;

use super::find::{self, Nothing};
use super::{errors, name};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
}

pub async fn delete_parameter(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let reference = name::reference(cx.scope(), &input.name);
            // A selector names a version, and versions are not deleted one by one.
            let found = match reference.selector {
                None => find::parameter(tx, cx, &reference).await?,
                Some(_) => None,
            };
            let found = found.ok_or_else(|| errors::not_found(&input.name))?;
            ssm_parameter::delete(tx, cx.scope(), &found.name).await?;
            Ok(Nothing {})
        })
    })
    .await
}
