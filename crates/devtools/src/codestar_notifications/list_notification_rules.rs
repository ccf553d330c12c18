//! ListNotificationRules: the rules of the account and region that pass the filters.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_ListNotificationRules.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule::{self as rules, Row};
use store::tables::codestar_notifications_target as targets;

use super::arn;
use super::filter::{self, Filter, Filters};

const LIST: &str = "ListNotificationRules";
/// Rows read at once while a filter looks for its matches.
const BATCH: u32 = 100;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub filters: Option<Vec<Filter>>,
    pub next_token: Option<String>,
    pub max_results: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub notification_rules: Vec<Summary>,
}

/// One rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Summary {
    pub id: String,
    pub arn: String,
}

/// Lists rules.
pub async fn list_notification_rules(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope();
    let limit = filter::limit(input.max_results);
    let filters = Filters::parse(input.filters)?;
    let by_target = filters.has("TARGET_ADDRESS");
    let mut after = filter::position(LIST, input.next_token.as_deref())?;
    let mut tx = cx.store.read().await?;
    let mut found: Vec<String> = Vec::new();
    loop {
        let rows = rules::list(&mut tx, scope, &after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.id.clone()) else { break };
        after = last;
        for row in rows {
            let addresses = if by_target { targets::of_rule(&mut tx, scope, &row.id).await? } else { Vec::new() };
            if filters.pass(|name, value| fits((name, value), &row, &addresses)) {
                found.push(row.id);
            }
        }
        // One more than asked for tells whether there is another page.
        if found.len() > limit {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|id| filter::token(LIST, id));
    let notification_rules = found.into_iter().map(|id| Summary { arn: arn::of_rule(scope, &id), id }).collect();
    Ok(Output { next_token, notification_rules })
}

fn fits((name, value): (&str, &str), row: &Row, targets: &[targets::Row]) -> bool {
    match name {
        "EVENT_TYPE_ID" => row.event_types.iter().any(|id| id == value),
        "CREATED_BY" => row.created_by == value,
        "RESOURCE" => row.resource == value,
        "TARGET_ADDRESS" => targets.iter().any(|target| target.address == value),
        _ => false,
    }
}
