//! ListSecrets: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html>. By name, whatever
//! `SortBy` says is its only other order; deleted ones on request.

use base::{ApiError, PageToken};
use serde::{Deserialize, Serialize};
use store::tables::secretsmanager_secret::{self, Row};

use super::errors;
use super::shape::{Described, Stages, describe, stages};
use crate::Cx;

/// A member that is refused by name, unless it asks for the order that lists have.
pub const UNSUPPORTED: &[&str] = &["SortBy (other than name)", "SortOrder (other than asc)"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    #[serde(default)]
    pub include_planned_deletion: bool,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
    #[serde(default)]
    pub filters: Vec<Filter>,
    pub sort_order: Option<String>,
    pub sort_by: Option<String>,
}

/// Passes what matches one of the values; with `!` before it, what does not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub values: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub secret_list: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listed {
    #[serde(flatten)]
    pub described: Described,
    #[serde(skip_serializing_if = "Stages::is_empty")]
    pub secret_versions_to_stages: Stages,
}

pub async fn list_secrets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if input.sort_order.as_deref().is_some_and(|order| order != "asc") {
        return Err(errors::unsupported("SortOrder (other than asc)", "ListSecrets"));
    }
    if input.sort_by.as_deref().is_some_and(|by| by != "name") {
        return Err(errors::unsupported("SortBy (other than name)", "ListSecrets"));
    }
    let list = format!("ListSecrets {} {:?}", input.include_planned_deletion, input.filters);
    let mut after = match &input.next_token {
        None => String::new(),
        Some(token) => PageToken::position(&list, token).map_err(|_| errors::bad_token())?,
    };
    let limit = input.max_results.unwrap_or(100).clamp(1, 100);
    let mut tx = cx.store.read().await?;
    let mut output = Output { secret_list: Vec::new(), next_token: None };
    loop {
        let rows = secretsmanager_secret::list(&mut tx, cx.scope(), &after, 100).await?;
        let Some(last) = rows.last() else { return Ok(output) };
        after = last.name.clone();
        for row in rows {
            let is_shown = match row.ends {
                Some(ends) => input.include_planned_deletion && ends > cx.now(),
                None => true,
            };
            if !is_shown || !input.filters.iter().all(|filter| filter.passes(cx, &row)) {
                continue;
            }
            if output.secret_list.len() == limit {
                let position = output.secret_list.last().map(|s| s.described.name.clone()).unwrap_or_default();
                output.next_token = Some(PageToken::after(&list, &position).into_string());
                return Ok(output);
            }
            let secret_versions_to_stages = stages(&mut tx, &row.arn).await?;
            output.secret_list.push(Listed { described: describe(row), secret_versions_to_stages });
        }
    }
}

impl Filter {
    fn passes(&self, cx: &Cx, row: &Row) -> bool {
        let any = |value: &str| match self.key.as_str() {
            "name" => row.name.starts_with(value),
            "description" => words_begin(row.description.as_deref().unwrap_or_default(), value),
            "tag-key" => row.tags.keys().any(|key| key.starts_with(value)),
            "tag-value" => row.tags.values().any(|tag| tag.starts_with(value)),
            "primary-region" => cx.scope().region.as_str().starts_with(value),
            "all" => {
                words_begin(&row.name, value)
                    || words_begin(row.description.as_deref().unwrap_or_default(), value)
                    || row.tags.iter().any(|(k, v)| words_begin(k, value) || words_begin(v, value))
            }
            // No other service owns secrets here.
            _ => false,
        };
        self.values.is_empty()
            || self.values.iter().any(|value| match value.strip_prefix('!') {
                Some(value) => !any(value),
                None => any(value),
            })
    }
}

/// Without regard to case: each word that is asked for begins a word of the text.
fn words_begin(text: &str, wanted: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let words = parts(text);
    parts(wanted).iter().all(|want| words.iter().any(|word| word.starts_with(want)))
}
