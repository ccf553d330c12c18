//! Rules: finding them, and how they are shown.

use base::{ApiError, Scope};
use serde::Serialize;
use store::Tx;
use store::tables::events_rule;

use super::{bus, errors};

/// An answer without members.
#[derive(Debug, Serialize)]
pub struct Nothing {}

/// A rule as operations show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    pub name: String,
    pub arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_expression: Option<String>,
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    pub event_bus_name: &'static str,
}

impl Rule {
    pub(super) fn of(scope: &Scope, row: events_rule::Row) -> Rule {
        Rule {
            arn: arn(scope, &row.name),
            name: row.name,
            event_pattern: row.pattern,
            schedule_expression: row.schedule,
            state: row.state,
            description: row.description,
            role_arn: row.role,
            event_bus_name: bus::DEFAULT,
        }
    }
}

/// A rule's ARN.
pub(super) fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("events", format!("rule/{name}")).to_string()
}

/// Keeps other transactions from changing rules and targets until this one ends.
pub(super) async fn lock(tx: &mut Tx, scope: &Scope) -> Result<(), ApiError> {
    Ok(tx.lock(&format!("events-rules:{}:{}", scope.account, scope.region)).await?)
}

/// The rule of this name on this bus.
pub(super) async fn find(
    tx: &mut Tx,
    scope: &Scope,
    bus: Option<&str>,
    name: &str,
) -> Result<events_rule::Row, ApiError> {
    bus::check(scope, bus)?;
    events_rule::get(tx, scope, name).await?.ok_or_else(|| errors::no_rule(name))
}

/// The rule of this ARN.
pub(super) async fn of_arn(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<events_rule::Row, ApiError> {
    let start = self::arn(scope, "");
    let Some(name) = arn.strip_prefix(&start) else {
        return Err(errors::validation(format!("Parameter {arn} is not valid. Reason: Headworks tags rules alone.")));
    };
    let name = name.strip_prefix("default/").unwrap_or(name);
    events_rule::get(tx, scope, name).await?.ok_or_else(|| errors::no_rule(name))
}
