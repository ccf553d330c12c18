//! CreateNotificationRule: has events of a resource told to targets.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_CreateNotificationRule.html>
//!
//! The resource must exist, the event types must be of its kind, the name must be new. A request that comes again with its
//! token answers with the rule that it made; with anything else in it, it is refused.

use base::{ApiError, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::codestar_notifications_rule::{self as rules, Row};

use super::lock::lock;
use super::target::{Target, parse_all, subscribe_all};
use super::{arn, errors, event_types, resource, tags};

/// Rules of an account in a region, and of one resource (Developer Tools console User Guide, "Quotas for notifications").
const MAX_RULES: i64 = 1000;
const MAX_OF_RESOURCE: usize = 10;

/// The request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub event_type_ids: Vec<String>,
    pub resource: String,
    pub targets: Vec<Target>,
    pub detail_type: String,
    #[serde(default, skip_serializing)]
    pub client_request_token: Option<String>,
    #[serde(default)]
    pub tags: Option<Tags>,
    #[serde(default)]
    pub status: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub arn: String,
}

/// Creates a rule.
pub async fn create_notification_rule(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let text = serde_json::to_string(&input).map_err(ApiError::internal)?;
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    let targets = parse_all(input.targets)?;
    let scope = cx.scope();
    // The same token makes the same rule.
    let token = input.client_request_token.unwrap_or_else(|| cx.ids.uuid().to_string());
    let of = |part| {
        base::derived_hex::<20>(&["notificationrule", part, scope.account.as_str(), scope.region.as_str(), &token])
    };
    let id = of("1") + &of("2");
    let now = cx.now();
    let row = Row {
        scope: scope.clone(),
        id,
        name: input.name,
        resource: input.resource,
        detail_type: input.detail_type,
        status: input.status.unwrap_or_else(|| "ENABLED".to_owned()),
        event_types: input.event_type_ids,
        created_by: cx.caller.principal.arn.clone(),
        request: base::derived_uuid(&["notificationrule", &text]).to_string(),
        created: now,
        modified: now,
        tags,
    };
    let arn = arn::of_rule(&row.scope, &row.id);
    let insert = cx.store.write(move |tx| {
        let (row, targets) = (row.clone(), targets.clone());
        Box::pin(async move { create(tx, row, &targets).await })
    });
    insert.await?;
    Ok(Output { arn })
}

async fn create(tx: &mut Tx, mut row: Row, wanted: &[(String, String)]) -> Result<(), ApiError> {
    lock(tx, &row.scope).await?;
    if let Some(before) = rules::get(tx, &row.scope, &row.id).await? {
        if before.request == row.request {
            return Ok(());
        }
        return Err(errors::invalid("The client request token was used for another request"));
    }
    let kind = resource::find(tx, &row.scope, &row.resource).await?;
    row.event_types = event_types::check(row.event_types, kind)?;
    if rules::of_resource(tx, &row.scope, &row.resource).await?.len() >= MAX_OF_RESOURCE {
        return Err(errors::limit(format!("A resource can have at most {MAX_OF_RESOURCE} notification rules")));
    }
    if rules::count(tx, &row.scope).await? >= MAX_RULES {
        return Err(errors::limit(format!("An account can have at most {MAX_RULES} notification rules")));
    }
    if !rules::insert(tx, &row).await? {
        return Err(errors::exists(&row.name));
    }
    subscribe_all(tx, &row.scope, &row.id, wanted, errors::limit).await
}
