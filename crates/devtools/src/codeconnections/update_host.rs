//! UpdateHost: changes a host's URL. Its connections follow.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_UpdateHost.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::codeconnections_host;

use super::arn::Resource;
use super::create_host::{check_endpoint, no_vpc};
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub host_arn: String,
    #[serde(default)]
    pub provider_endpoint: Option<String>,
    #[serde(default)]
    pub vpc_configuration: Option<Value>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Updates a host.
pub async fn update_host(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    no_vpc(input.vpc_configuration.as_ref())?;
    if let Some(endpoint) = &input.provider_endpoint {
        check_endpoint(endpoint)?;
    }
    let (scope, id, arn) = (cx.scope().clone(), Resource::host(cx.scope(), &input.host_arn)?, input.host_arn);
    let endpoint = input.provider_endpoint.map(|url| url.trim_end_matches('/').to_owned());
    let update = cx.store.write(move |tx| {
        let (scope, id, arn, endpoint) = (scope.clone(), id.clone(), arn.clone(), endpoint.clone());
        Box::pin(async move {
            let row = codeconnections_host::get(tx, &scope, &id).await?.ok_or_else(|| errors::not_found(&arn))?;
            let endpoint = endpoint.unwrap_or(row.endpoint);
            Ok::<_, ApiError>(codeconnections_host::set_endpoint(tx, &scope, &id, &endpoint).await?)
        })
    });
    update.await?;
    Ok(Output {})
}
