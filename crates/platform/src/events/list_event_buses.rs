//! ListEventBuses: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListEventBuses.html>. The default one, if its
//! name begins as asked.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::bus::{self, Bus};
use super::errors;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name_prefix: Option<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub event_buses: Vec<Bus>,
}

pub async fn list_event_buses(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    // One page holds all.
    if input.next_token.is_some() {
        return Err(errors::bad_token());
    }
    let prefix = input.name_prefix.unwrap_or_default();
    let buses = [bus::default(cx.scope())].into_iter().filter(|bus| bus.name.starts_with(&prefix));
    Ok(Output { event_buses: buses.collect() })
}
