//! ListEventTypes: what rules can tell.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_ListEventTypes.html>
//!
//! Those of CodeDeploy's applications are missing, as is CodeDeploy.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::event_types::{self, EventType, EventTypeSummary};
use super::filter::{self, Filter, Filters};

const LIST: &str = "ListEventTypes";

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
    pub event_types: Vec<EventTypeSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists event types.
pub async fn list_event_types(_: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = filter::limit(input.max_results);
    let filters = Filters::parse(input.filters)?;
    let after = filter::position(LIST, input.next_token.as_deref())?;
    let types = event_types::all().iter().filter(|t| t.id > after.as_str());
    let mut found: Vec<_> =
        types.filter(|t| filters.pass(|name, value| fits(name, value, t))).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|t| filter::token(LIST, t.id));
    Ok(Output { event_types: found.into_iter().map(EventType::summary).collect(), next_token })
}

fn fits(name: &str, value: &str, event_type: &EventType) -> bool {
    match name {
        "RESOURCE_TYPE" => event_type.kind.name().eq_ignore_ascii_case(value),
        "SERVICE_NAME" => event_type.kind.service().eq_ignore_ascii_case(value),
        _ => false,
    }
}
