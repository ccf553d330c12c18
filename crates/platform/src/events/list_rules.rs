//! ListRules: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html>. By name.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::events_rule;

use super::bus;
use super::list::Page;
use super::rule::Rule;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name_prefix: Option<String>,
    pub event_bus_name: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub rules: Vec<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

pub async fn list_rules(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    bus::check(cx.scope(), input.event_bus_name.as_deref())?;
    let prefix = input.name_prefix.unwrap_or_default();
    let page = Page::new(format!("ListRules {prefix}"), input.next_token.as_deref(), input.limit)?;
    let mut tx = cx.store.read().await?;
    let mut rows = events_rule::list(&mut tx, cx.scope(), &prefix, &page.after, page.ask()).await?;
    let next_token = page.cut(&mut rows, |row| &row.name);
    Ok(Output { rules: rows.into_iter().map(|row| Rule::of(cx.scope(), row)).collect(), next_token })
}
