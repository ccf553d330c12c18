//! ListEventTypes: what rules can tell.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_ListEventTypes.html>
//!
//! Those of CodeDeploy's applications are missing, as is CodeDeploy.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::event_types::{self, EventType, EventTypeSummary};
use super::filter::{self, Filter};

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
    let filters = input.filters.unwrap_or_default();
    let after = filter::position(LIST, input.next_token.as_deref())?;
    let types = event_types::all().iter().filter(|t| t.id > after.as_str());
    let mut found: Vec<_> = types.filter(|t| filter::passes(&filters, |f| fits(f, t))).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|t| filter::token(LIST, t.id));
    Ok(Output { event_types: found.into_iter().map(EventType::summary).collect(), next_token })
}

fn fits(filter: &Filter, event_type: &EventType) -> bool {
    match filter.name.as_str() {
        "RESOURCE_TYPE" => event_type.kind.name().eq_ignore_ascii_case(&filter.value),
        "SERVICE_NAME" => event_type.kind.service().eq_ignore_ascii_case(&filter.value),
        _ => false,
    }
}
