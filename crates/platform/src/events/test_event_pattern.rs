//! TestEventPattern: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html>.

use base::ApiError;
use formats::event_pattern::EventPattern;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors;
use crate::Cx;

/// What an event must have to be one.
const REQUIRED: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

/// As large as an event that PutEvents takes.
const MOST_BYTES: usize = 256 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub event_pattern: String,
    pub event: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub result: bool,
}

pub async fn test_event_pattern(_: &Cx, input: Input) -> Result<Output, ApiError> {
    let pattern = EventPattern::parse(&input.event_pattern).map_err(|e| errors::bad_pattern(&e))?;
    let wrong = |why: String| errors::validation(format!("Parameter Event is not valid. Reason: {why}."));
    if input.event.len() > MOST_BYTES {
        return Err(wrong(format!("the event has more than {MOST_BYTES} bytes")));
    }
    let event: Value = serde_json::from_str(&input.event).map_err(|e| wrong(format!("not JSON: {e}")))?;
    if let Some(missing) = REQUIRED.into_iter().find(|name| event.get(name).is_none()) {
        return Err(wrong(format!("the event has no {missing}")));
    }
    let result = pattern.matches(&event).map_err(|e| wrong(e.to_string()))?;
    Ok(Output { result })
}
