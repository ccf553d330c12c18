//! DeleteRule: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html>. A rule that is not there is
//! deleted already; one that has targets is refused. Force is for rules that AWS services manage, of which there are none.

use base::ApiError;
use serde::Deserialize;
use store::tables::{events_rule, events_target};

use super::rule::{self, Nothing};
use super::{bus, errors, schedule};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub event_bus_name: Option<String>,
}

pub async fn delete_rule(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    bus::check(cx.scope(), input.event_bus_name.as_deref())?;
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let scope = cx.scope();
            // A target that is put in the same moment must not outlive its rule.
            rule::lock(tx, scope).await?;
            let Some(row) = events_rule::get(tx, scope, &input.name).await? else { return Ok(Nothing {}) };
            if !events_target::of_rule(tx, scope, &input.name, "", 1).await?.is_empty() {
                return Err(errors::validation("Rule can't be deleted since it has targets."));
            }
            schedule::remove(tx, &row).await?;
            events_rule::delete(tx, scope, &input.name).await?;
            Ok(Nothing {})
        })
    })
    .await
}
