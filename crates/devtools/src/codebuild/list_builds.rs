//! ListBuilds: ids of all builds, newest first unless asked otherwise, 100 a page.

use base::{ApiError, Machine, PageToken};
use engine::build::Build;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine::{self, Position};

use super::errors::invalid;

pub(super) const PAGE: u32 = 100;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub sort_order: Option<String>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists builds.
pub async fn list_builds(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    page(cx, None, input.sort_order.as_deref(), input.next_token.as_deref()).await
}

/// One page of the builds of a project, or of all.
pub(super) async fn page(
    cx: &Cx,
    project: Option<&str>,
    order: Option<&str>,
    token: Option<&str>,
) -> Result<Output, ApiError> {
    page_of::<Build>(cx, project, order, token, PAGE).await
}

/// The same for the rows of any machine.
pub(super) async fn page_of<M: Machine>(
    cx: &Cx,
    parent: Option<&str>,
    order: Option<&str>,
    token: Option<&str>,
    size: u32,
) -> Result<Output, ApiError> {
    let newest_first = order != Some("ASCENDING");
    let list = format!("{}:{parent:?}:{newest_first}:{:?}", M::KIND, cx.scope());
    let bad = || invalid("Invalid token provided");
    let after = token.map(|token| {
        let position = PageToken::position(&list, token).map_err(|_| bad())?;
        Position::parse(&position).ok_or_else(bad)
    });
    let after = after.transpose()?;
    let mut tx = cx.store.read().await?;
    let mut rows = machine::positions::<M>(&mut tx, cx.scope(), parent, after.as_ref(), size + 1, newest_first).await?;
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    let last = rows.last().filter(|_| more);
    let next_token = last.map(|row| PageToken::after(&list, &row.to_text()).into_string());
    Ok(Output { ids: rows.into_iter().map(|row| row.id).collect(), next_token })
}
