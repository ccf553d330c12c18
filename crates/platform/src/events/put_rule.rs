//! PutRule: makes a rule, or replaces it; what is left out is not kept, but for the tags.
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html>

use base::ApiError;
use formats::event_pattern::EventPattern;
use formats::schedule::ScheduleExpression;
use serde::{Deserialize, Serialize};
use store::tables::events_rule::{self, Row};

use super::schedule::{DISABLED, ENABLED};
use super::tags::{self, Tag};
use super::{bus, errors, role, rule, schedule};
use crate::Cx;
use crate::transact::transact;

/// "Amazon EventBridge quotas": rules of a bus.
const MOST: i64 = 300;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub schedule_expression: Option<String>,
    pub event_pattern: Option<String>,
    pub state: Option<String>,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    pub event_bus_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub rule_arn: String,
}

pub async fn put_rule(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    bus::check(cx.scope(), input.event_bus_name.as_deref())?;
    let pattern = input.event_pattern.clone().filter(|text| !text.is_empty());
    let expression = input.schedule_expression.clone().filter(|text| !text.is_empty());
    if pattern.is_none() && expression.is_none() {
        return Err(errors::validation("Parameter(s) EventPattern or ScheduleExpression must be specified."));
    }
    if let Some(text) = &pattern {
        EventPattern::parse(text).map_err(|e| errors::bad_pattern(&e))?;
    }
    if let Some(text) = &expression {
        let wrong = |why| errors::validation(format!("Parameter ScheduleExpression is not valid. Reason: {why}."));
        ScheduleExpression::parse(text).map_err(wrong)?;
    }
    let state = input.state.clone().unwrap_or_else(|| ENABLED.to_owned());
    if state != ENABLED && state != DISABLED {
        let text = format!("Headworks has no management events of CloudTrail: State is {ENABLED} or {DISABLED}.");
        return Err(errors::validation(text));
    }
    let row = Row {
        name: input.name,
        pattern,
        schedule: expression,
        machine: None,
        state,
        description: input.description.filter(|text| !text.is_empty()),
        role: input.role_arn.filter(|role| !role.is_empty()),
        tags: Default::default(),
    };
    let given = (row, input.tags, cx.ids.uuid().to_string());
    transact(cx, given, |tx, cx, (row, tags, fresh)| {
        Box::pin(async move {
            let scope = cx.scope();
            let mut row = row.clone();
            if let Some(role) = &row.role {
                role::check(tx, cx, role).await?;
            }
            rule::lock(tx, scope).await?;
            let before = events_rule::get(tx, scope, &row.name).await?;
            match &before {
                Some(before) => row.tags.clone_from(&before.tags),
                None if events_rule::count(tx, scope).await? >= MOST => return Err(errors::too_many()),
                None => tags::add(&mut row.tags, tags)?,
            }
            schedule::settle(tx, scope, (before.as_ref(), &mut row), fresh.clone()).await?;
            events_rule::put(tx, scope, &row).await?;
            Ok(Output { rule_arn: rule::arn(scope, &row.name) })
        })
    })
    .await
}
