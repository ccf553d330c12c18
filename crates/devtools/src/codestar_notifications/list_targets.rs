//! ListTargets: the targets of the account and region that pass the filters, subscribed or not.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_ListTargets.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_target as targets;

use super::filter::{self, Filter, Filters};
use super::target::TargetSummary;

const LIST: &str = "ListTargets";
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
    pub targets: Vec<TargetSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists targets.
pub async fn list_targets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = filter::limit(input.max_results);
    let filters = Filters::parse(input.filters)?;
    let mut after = filter::position(LIST, input.next_token.as_deref())?;
    let mut tx = cx.store.read().await?;
    let mut found = Vec::new();
    loop {
        let rows = targets::list(&mut tx, cx.scope(), &after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.address.clone()) else { break };
        after = last;
        found.extend(rows.into_iter().filter(|row| filters.pass(|name, value| fits(name, value, row))));
        // One more than asked for tells whether there is another page.
        if found.len() > limit {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|row| filter::token(LIST, &row.address));
    Ok(Output { targets: found.into_iter().map(TargetSummary::from).collect(), next_token })
}

fn fits(name: &str, value: &str, row: &targets::Row) -> bool {
    match name {
        "TARGET_TYPE" => row.kind == value,
        "TARGET_ADDRESS" => row.address == value,
        "TARGET_STATUS" => row.status == value,
        _ => false,
    }
}
