//! GetHost: a host.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_GetHost.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codeconnections_host;

use super::arn::Resource;
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub host_arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub name: String,
    pub status: &'static str,
    pub provider_type: String,
    pub provider_endpoint: String,
}

/// Reads a host.
pub async fn get_host(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let id = Resource::host(cx.scope(), &input.host_arn)?;
    let row = codeconnections_host::get(&mut cx.store.read().await?, cx.scope(), &id).await?;
    let row = row.ok_or_else(|| errors::not_found(&input.host_arn))?;
    Ok(Output { name: row.name, status: "AVAILABLE", provider_type: row.provider, provider_endpoint: row.endpoint })
}
