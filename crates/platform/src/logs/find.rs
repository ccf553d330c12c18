//! Finding groups and streams by what requests call them.

use base::{ApiError, Arn, Scope, Timestamp};
use serde::Serialize;
use store::Tx;
use store::tables::{logs_group, logs_stream};

use super::errors;

/// An operation without output members.
#[derive(Debug, Default, Serialize)]
pub struct Nothing {}

/// A group's number and retention in days.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub id: i64,
    pub retention_days: Option<i64>,
}

const DAY_MS: i64 = 86_400_000;

impl Group {
    /// The oldest time, in milliseconds, that the retention still shows.
    pub(super) fn oldest_ms(&self, now: Timestamp) -> i64 {
        self.retention_days.map_or(0, |days| (now.millis() - days.saturating_mul(DAY_MS)).max(0))
    }
}

pub(super) async fn group(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Group, ApiError> {
    let found = logs_group::find(tx, scope, name).await?.ok_or_else(errors::no_group)?;
    Ok(Group { id: found.0, retention_days: found.1 })
}

pub(super) async fn stream(tx: &mut Tx, group: Group, name: &str) -> Result<logs_stream::Row, ApiError> {
    logs_stream::get(tx, group.id, name).await?.ok_or_else(errors::no_stream)
}

/// The group's name from `logGroupName` or `logGroupIdentifier` (a name or an ARN), of which a request has one.
pub(super) fn name(scope: &Scope, name: Option<&str>, identifier: Option<&str>) -> Result<String, ApiError> {
    match (name, identifier) {
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(identifier)) if identifier.starts_with("arn:") => name_in_arn(scope, identifier),
        (None, Some(identifier)) => Ok(identifier.to_owned()),
        (None, None) | (Some(_), Some(_)) => {
            Err(errors::invalid("Exactly one of logGroupName and logGroupIdentifier must be specified."))
        }
    }
}

/// The group's name in its ARN, with or without `:*`.
pub(super) fn name_in_arn(scope: &Scope, text: &str) -> Result<String, ApiError> {
    let arn = Arn::parse(text).filter(|a| a.service == "logs");
    let arn = arn.ok_or_else(|| errors::invalid(format!("{text} is not the ARN of a log group.")))?;
    let name = arn.resource.strip_prefix("log-group:").map(|n| n.strip_suffix(":*").unwrap_or(n));
    let here = arn.account == scope.account.as_str() && arn.region == scope.region.as_str();
    match name {
        Some(name) if here => Ok(name.to_owned()),
        Some(_) => Err(errors::no_group()),
        None => Err(errors::invalid(format!("{text} is not the ARN of a log group."))),
    }
}

pub(super) fn group_arn(scope: &Scope, name: &str) -> String {
    scope.arn("logs", format!("log-group:{name}")).to_string()
}
