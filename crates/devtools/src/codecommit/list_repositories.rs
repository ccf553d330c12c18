//! `ListRepositories`, 1000 at a time.

use base::{ApiError, PageToken, Timestamp};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository::{self as table, Order};

use super::errors;

const PAGE: u32 = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    next_token: Option<String>,
    #[serde(default)]
    sort_by: SortBy,
    #[serde(default)]
    order: Direction,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SortBy {
    #[default]
    RepositoryName,
    LastModifiedDate,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Direction {
    #[default]
    Ascending,
    Descending,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    repositories: Vec<NameAndId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NameAndId {
    repository_name: String,
    repository_id: String,
}

/// Lists the repositories of the account in this region.
pub async fn list_repositories(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let list = format!("ListRepositories:{:?}:{:?}", input.sort_by, input.order);
    let after = input.next_token.map(|token| position(&list, &token)).transpose()?;
    let order = match input.sort_by {
        SortBy::RepositoryName => Order::Name,
        SortBy::LastModifiedDate => Order::Updated,
    };
    let descending = input.order == Direction::Descending;
    let rows = table::list(&mut cx.store.read().await?, cx.scope(), order, descending, after, PAGE).await?;
    let full = u32::try_from(rows.len()).is_ok_and(|n| n == PAGE);
    let last = rows.last().filter(|_| full);
    let next_token = last.map(|r| PageToken::after(&list, &format!("{}:{}", r.updated.micros(), r.name)).into_string());
    let repositories = rows.into_iter().map(|r| NameAndId { repository_name: r.name, repository_id: r.id }).collect();
    Ok(Output { repositories, next_token })
}

fn position(list: &str, token: &str) -> Result<(Timestamp, String), ApiError> {
    let text = PageToken::position(list, token).map_err(|_| errors::invalid_token())?;
    let (micros, name) = text.split_once(':').ok_or_else(errors::invalid_token)?;
    let micros = micros.parse().map_err(|_| errors::invalid_token())?;
    Ok((Timestamp::from_micros(micros), name.to_owned()))
}
