//! RemoveTargets: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html>. An id that the rule does
//! not have is a failed entry. Force is for rules that AWS services manage, of which there are none.

use base::ApiError;
use serde::Deserialize;
use store::tables::events_target;

use super::put_targets::Output;
use super::rule;
use super::target::FailedEntry;
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub rule: String,
    pub event_bus_name: Option<String>,
    pub ids: Vec<String>,
}

pub async fn remove_targets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            rule::lock(tx, cx.scope()).await?;
            let rule = rule::find(tx, cx.scope(), input.event_bus_name.as_deref(), &input.rule).await?;
            let mut failed = Vec::new();
            for id in &input.ids {
                if !events_target::delete(tx, cx.scope(), &rule.name, id).await? {
                    failed.push(FailedEntry {
                        target_id: id.clone(),
                        error_code: "ResourceNotFoundException",
                        error_message: format!("Rule {} does not have a target with the Id {id}.", rule.name),
                    });
                }
            }
            Ok(Output::of(failed))
        })
    })
    .await
}
