//! ListProjects: names, 100 a page, sorted by name, creation or change.

use base::{ApiError, PageToken};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_project::{SortBy, page};

use super::errors::invalid;

const PAGE: u32 = 100;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub projects: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists projects.
pub async fn list_projects(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let sort_by = match input.sort_by.as_deref() {
        Some("CREATED_TIME") => SortBy::Created,
        Some("LAST_MODIFIED_TIME") => SortBy::Modified,
        Some(_) | None => SortBy::Name,
    };
    let descending = input.sort_order.as_deref() == Some("DESCENDING");
    let list = format!("ListProjects:{sort_by:?}:{descending}:{:?}", cx.scope());
    let bad = || invalid("Invalid token provided");
    let after = input.next_token.map(|token| -> Result<(i64, String), ApiError> {
        let position = PageToken::position(&list, &token).map_err(|_| bad())?;
        let (key, name) = position.split_once(':').ok_or_else(bad)?;
        Ok((key.parse().map_err(|_| bad())?, name.to_owned()))
    });
    let after = after.transpose()?;
    let mut tx = cx.store.read().await?;
    let after = after.as_ref().map(|(key, name)| (*key, name.as_str()));
    let mut rows = page(&mut tx, cx.scope(), sort_by, descending, after, PAGE + 1).await?;
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let last = rows.last().filter(|_| more);
    let next_token = last.map(|(key, name)| PageToken::after(&list, &format!("{key}:{name}")).into_string());
    Ok(Output { projects: rows.into_iter().map(|(_, name)| name).collect(), next_token })
}
