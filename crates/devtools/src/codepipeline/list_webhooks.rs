//! ListWebhooks: the webhooks of the account and region, by name.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListWebhooks.html>

use base::{ApiError, PageToken};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_webhook;

use super::errors;
use super::webhook::Item;

const LIST: &str = "ListWebhooks";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub next_token: Option<String>,
    pub max_results: Option<u32>,
}

#[derive(Debug, Serialize)]
pub struct Output {
    pub webhooks: Vec<Item>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists webhooks.
pub async fn list_webhooks(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = input.max_results.unwrap_or(100).clamp(1, 100);
    let after = match &input.next_token {
        Some(token) => PageToken::position(LIST, token).map_err(|_| errors::invalid_token())?,
        None => String::new(),
    };
    let mut tx = cx.store.read().await?;
    let mut rows = codepipeline_webhook::list(&mut tx, cx.scope(), &after, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_token = rows.last().filter(|_| more).map(|r| PageToken::after(LIST, &r.name).into_string());
    Ok(Output { webhooks: rows.iter().map(|row| Item::of(cx, row)).collect(), next_token })
}
