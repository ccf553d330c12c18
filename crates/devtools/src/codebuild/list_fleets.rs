//! ListFleets: ARNs, by name unless asked otherwise.

use base::{ApiError, PageToken};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_fleet;

use super::errors::invalid;

/// Results of a page, and the most that may be asked for.
const PAGE: usize = 100;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub fleets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists fleets. An account has few of them: they are sorted here.
pub async fn list_fleets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut rows = codebuild_fleet::list(&mut tx, cx.scope()).await?;
    match input.sort_by.as_deref() {
        Some("CREATED_TIME") => rows.sort_by_key(|row| row.created),
        Some("LAST_MODIFIED_TIME") => rows.sort_by_key(|row| row.modified),
        Some(_) | None => {}
    }
    if input.sort_order.as_deref() == Some("DESCENDING") {
        rows.reverse();
    }
    let list = format!("ListFleets:{:?}:{:?}:{:?}", input.sort_by, input.sort_order, cx.scope());
    let from = match &input.next_token {
        None => 0,
        Some(token) => {
            let position = PageToken::position(&list, token).map_err(|_| invalid("Invalid token provided"))?;
            rows.iter().position(|row| row.arn == position).map_or(rows.len(), |n| n + 1)
        }
    };
    let limit = input.max_results.unwrap_or(PAGE).clamp(1, PAGE);
    let page: Vec<String> = rows.iter().skip(from).take(limit).map(|row| row.arn.clone()).collect();
    let more = rows.len() > from + page.len();
    let next_token = page.last().filter(|_| more).map(|arn| PageToken::after(&list, arn).into_string());
    Ok(Output { fleets: page, next_token })
}
