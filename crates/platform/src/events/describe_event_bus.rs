//! DescribeEventBus: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html>. The default bus, by
//! name, by ARN, or without either.

use base::ApiError;
use serde::Deserialize;

use super::bus::{self, Bus};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: Option<String>,
}

pub async fn describe_event_bus(cx: &Cx, input: Input) -> Result<Bus, ApiError> {
    bus::check(cx.scope(), input.name.as_deref())?;
    Ok(bus::default(cx.scope()))
}
