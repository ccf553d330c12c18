//! ListTargetsByRule: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html>. By id.

use base::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::events_target;

use super::list::Page;
use super::rule;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub rule: String,
    pub event_bus_name: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    /// As they were given.
    pub targets: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

pub async fn list_targets_by_rule(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let rule = rule::find(&mut tx, cx.scope(), input.event_bus_name.as_deref(), &input.rule).await?;
    let page = Page::new(format!("ListTargetsByRule {}", rule.name), input.next_token.as_deref(), input.limit)?;
    let mut rows = events_target::of_rule(&mut tx, cx.scope(), &rule.name, &page.after, page.ask()).await?;
    let next_token = page.cut(&mut rows, |row| &row.id);
    Ok(Output { targets: rows.into_iter().map(|row| row.definition).collect(), next_token })
}
