//! BatchGetFleets: by name or ARN; what is not found is listed as it was asked for.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::codebuild_fleet;

use super::fleet::view;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub names: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub fleets: Vec<Value>,
    pub fleets_not_found: Vec<String>,
}

/// Shows fleets.
pub async fn batch_get_fleets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut output = Output { fleets: Vec::new(), fleets_not_found: Vec::new() };
    for name in input.names {
        let found = if name.starts_with("arn:") {
            codebuild_fleet::by_arn(&mut tx, cx.scope(), &name).await?
        } else {
            codebuild_fleet::by_name(&mut tx, cx.scope(), &name).await?
        };
        match found {
            Some(row) => output.fleets.push(view(&row)),
            None => output.fleets_not_found.push(name),
        }
    }
    Ok(output)
}
