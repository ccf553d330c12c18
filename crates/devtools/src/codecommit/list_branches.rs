//! `ListBranches`, 1000 at a time, by name.

use base::{ApiError, PageToken};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_ref;

use super::errors;
use super::repository::required;

const PAGE: u32 = 1000;
const PREFIX: &str = "refs/heads/";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    branches: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Lists the branches of a repository.
pub async fn list_branches(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = required(&mut tx, cx.scope(), &input.repository_name).await?;
    let list = format!("ListBranches:{}", row.id);
    let position = |token: String| PageToken::position(&list, &token).map_err(|_| errors::invalid_token());
    let after = input.next_token.map(position).transpose()?.unwrap_or_default();
    let names = codecommit_ref::names(&mut tx, &row.id, PREFIX, &after, PAGE).await?;
    let full = u32::try_from(names.len()).is_ok_and(|n| n == PAGE);
    let next_token = names.last().filter(|_| full).map(|last| PageToken::after(&list, last).into_string());
    let branches = names.iter().filter_map(|name| name.strip_prefix(PREFIX)).map(str::to_owned).collect();
    Ok(Output { branches, next_token })
}
