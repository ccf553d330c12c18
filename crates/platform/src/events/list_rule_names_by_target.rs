//! ListRuleNamesByTarget: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRuleNamesByTarget.html>. By name.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::events_target;

use super::bus;
use super::list::Page;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub target_arn: String,
    pub event_bus_name: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub rule_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

pub async fn list_rule_names_by_target(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    bus::check(cx.scope(), input.event_bus_name.as_deref())?;
    let list = format!("ListRuleNamesByTarget {}", input.target_arn);
    let page = Page::new(list, input.next_token.as_deref(), input.limit)?;
    let mut tx = cx.store.read().await?;
    let asked = (&input.target_arn, &page.after);
    let mut rule_names = events_target::rules_of(&mut tx, cx.scope(), asked.0, asked.1, page.ask()).await?;
    let next_token = page.cut(&mut rule_names, |name| name);
    Ok(Output { rule_names, next_token })
}
