//! DescribeNotificationRule: a rule, with its targets as they are.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_DescribeNotificationRule.html>

use base::{ApiError, Tags, Timestamp};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule as rules;
use store::tables::codestar_notifications_target as targets;

use super::event_types::EventTypeSummary;
use super::target::TargetSummary;
use super::{arn, errors, event_types};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub arn: String,
    pub name: String,
    pub event_types: Vec<EventTypeSummary>,
    pub resource: String,
    pub targets: Vec<TargetSummary>,
    pub detail_type: String,
    pub created_by: String,
    pub status: String,
    pub created_timestamp: Timestamp,
    pub last_modified_timestamp: Timestamp,
    pub tags: Tags,
}

/// Describes a rule.
pub async fn describe_notification_rule(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, arn) = (cx.scope(), input.arn);
    let id = arn::rule(scope, &arn)?;
    let mut tx = cx.store.read().await?;
    let row = rules::get(&mut tx, scope, &id).await?.ok_or_else(|| errors::not_found(&arn))?;
    let targets = targets::of_rule(&mut tx, scope, &id).await?;
    Ok(Output {
        arn,
        name: row.name,
        event_types: row.event_types.iter().filter_map(|id| event_types::find(id)).map(|t| t.summary()).collect(),
        resource: row.resource,
        targets: targets.into_iter().map(TargetSummary::from).collect(),
        detail_type: row.detail_type,
        created_by: row.created_by,
        status: row.status,
        created_timestamp: row.created,
        last_modified_timestamp: row.modified,
        tags: row.tags,
    })
}
