//! ListConnections: the connections of the account and region, of one provider or host when asked for.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_ListConnections.html>

use base::{ApiError, PageToken};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codeconnections_connection;

use super::errors;
use super::get_connection::{Connection, view};

const LIST: &str = "ListConnections";
/// Rows read at once while a filter looks for its matches.
const BATCH: u32 = 100;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub provider_type_filter: Option<String>,
    pub host_arn_filter: Option<String>,
    pub max_results: Option<u32>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub connections: Vec<Connection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists connections.
pub async fn list_connections(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = input.max_results.filter(|n| *n > 0).unwrap_or(100).min(100) as usize;
    let mut after = position(LIST, input.next_token.as_deref())?;
    let wanted = |row: &codeconnections_connection::Row| {
        input.provider_type_filter.as_ref().is_none_or(|provider| row.provider == *provider)
            && input.host_arn_filter.as_ref().is_none_or(|host| row.host.as_ref() == Some(host))
    };
    let mut tx = cx.store.read().await?;
    let mut found = Vec::new();
    loop {
        let rows = codeconnections_connection::list(&mut tx, cx.scope(), &after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.id.clone()) else { break };
        after = last;
        found.extend(rows.into_iter().filter(|row| wanted(row)));
        // One more than asked for tells whether there is another page.
        if found.len() > limit {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|row| PageToken::after(LIST, &row.id).into_string());
    let mut connections = Vec::with_capacity(found.len());
    for row in found {
        connections.push(view(&mut tx, cx, row).await?);
    }
    Ok(Output { connections, next_token })
}

/// The place that a page token names.
pub(super) fn position(list: &str, token: Option<&str>) -> Result<String, ApiError> {
    let Some(token) = token else { return Ok(String::new()) };
    PageToken::position(list, token).map_err(|_| errors::invalid("The next token is not valid"))
}
