//! UpdateNotificationRule: writes what is given; event types and targets replace those that were there.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_UpdateNotificationRule.html>

use base::{ApiError, Scope};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::codestar_notifications_rule as rules;
use store::tables::codestar_notifications_target as targets;

use super::lock::lock;
use super::target::{Target, parse_all, subscribe_all};
use super::{arn, errors, event_types, resource};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub event_type_ids: Option<Vec<String>>,
    #[serde(default)]
    pub targets: Option<Vec<Target>>,
    #[serde(default)]
    pub detail_type: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Updates a rule.
pub async fn update_notification_rule(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let id = arn::rule(&scope, &input.arn)?;
    let targets = input.targets.clone().map(parse_all).transpose()?;
    let update = cx.store.write(move |tx| {
        let (scope, id, input, targets) = (scope.clone(), id.clone(), input.clone(), targets.clone());
        Box::pin(async move {
            lock(tx, &scope).await?;
            write(tx, &scope, &id, input).await?;
            match targets {
                Some(targets) => replace(tx, &scope, &id, &targets).await,
                None => Ok(()),
            }
        })
    });
    update.await?;
    Ok(Output {})
}

async fn write(tx: &mut Tx, scope: &Scope, id: &str, input: Input) -> Result<(), ApiError> {
    let mut row = rules::get(tx, scope, id).await?.ok_or_else(|| errors::not_found(&input.arn))?;
    if let Some(name) = input.name {
        if rules::named(tx, scope, &name).await?.is_some_and(|other| other != row.id) {
            return Err(errors::configuration(format!("A notification rule with the name {name} already exists")));
        }
        row.name = name;
    }
    if let Some(ids) = input.event_type_ids {
        let kind = resource::find(tx, scope, &row.resource).await?;
        row.event_types = event_types::check(ids, kind)?;
    }
    row.status = input.status.unwrap_or(row.status);
    row.detail_type = input.detail_type.unwrap_or(row.detail_type);
    row.modified = tx.now();
    Ok(rules::update(tx, &row).await?)
}

async fn replace(tx: &mut Tx, scope: &Scope, rule: &str, wanted: &[(String, String)]) -> Result<(), ApiError> {
    for target in targets::of_rule(tx, scope, rule).await? {
        if !wanted.iter().any(|(address, _)| *address == target.address) {
            targets::unsubscribe(tx, scope, rule, &target.address).await?;
        }
    }
    subscribe_all(tx, scope, rule, wanted, errors::configuration).await
}
