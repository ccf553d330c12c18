//! DescribeRule: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html>.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::rule::{self, Rule};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub event_bus_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(flatten)]
    pub rule: Rule,
    /// The account that made it.
    pub created_by: String,
}

pub async fn describe_rule(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = rule::find(&mut tx, cx.scope(), input.event_bus_name.as_deref(), &input.name).await?;
    Ok(Output { rule: Rule::of(cx.scope(), row), created_by: cx.scope().account.to_string() })
}
