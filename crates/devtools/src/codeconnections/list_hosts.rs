//! ListHosts: the hosts of the account and region.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_ListHosts.html>

use base::{ApiError, PageToken};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codeconnections_host;

use super::arn::of_host;
use super::list_connections::position;

const LIST: &str = "ListHosts";

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub max_results: Option<u32>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub hosts: Vec<Host>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A host as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Host {
    name: String,
    host_arn: String,
    provider_type: String,
    provider_endpoint: String,
    status: &'static str,
}

/// Lists hosts.
pub async fn list_hosts(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = input.max_results.filter(|n| *n > 0).unwrap_or(100).min(100);
    let after = position(LIST, input.next_token.as_deref())?;
    let mut tx = cx.store.read().await?;
    let mut rows = codeconnections_host::list(&mut tx, cx.scope(), &after, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_token = rows.last().filter(|_| more).map(|row| PageToken::after(LIST, &row.id).into_string());
    let view = |row: codeconnections_host::Row| Host {
        host_arn: of_host(cx.scope(), &row.service, &row.id),
        name: row.name,
        provider_type: row.provider,
        provider_endpoint: row.endpoint,
        status: "AVAILABLE",
    };
    Ok(Output { hosts: rows.into_iter().map(view).collect(), next_token })
}
