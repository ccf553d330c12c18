//! EnableRule: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EnableRule.html>. Its schedule is counted from now.

use base::ApiError;
use serde::Deserialize;

use super::rule::{self, Nothing};
use super::schedule;
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub event_bus_name: Option<String>,
}

pub async fn enable_rule(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    let given = (input, cx.ids.uuid().to_string());
    transact(cx, given, |tx, cx, (input, fresh)| {
        Box::pin(async move {
            rule::lock(tx, cx.scope()).await?;
            let before = rule::find(tx, cx.scope(), input.event_bus_name.as_deref(), &input.name).await?;
            schedule::switch(tx, cx.scope(), before, schedule::ENABLED, fresh.clone()).await?;
            Ok(Nothing {})
        })
    })
    .await
}
