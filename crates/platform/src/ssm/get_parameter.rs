//! GetParameter: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>. By name or
//! ARN; `name:3` and `name:label` name a version.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::find;
use super::value::{Parameter, shape};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    #[serde(default)]
    pub with_decryption: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub parameter: Parameter,
}

pub async fn get_parameter(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let (row, selector) = find::version(&mut tx, cx, &input.name).await?;
    Ok(Output { parameter: shape(cx, &row, selector.as_ref(), input.with_decryption)? })
}
