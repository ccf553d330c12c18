//! Condition keys whose values no request says, but the store.

use base::{ApiError, Arn};
use engine::access::Context;
use store::Tx;
use store::tables::codestar_notifications_rule;

use crate::Cx;
use crate::needs::Need;

/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodestarnotifications.html>
const NOTIFICATIONS_FOR_RESOURCE: &str = "codestar-notifications:notificationsforresource";
const OF_A_RULE: &[&str] = &[
    "codestar-notifications:DeleteNotificationRule",
    "codestar-notifications:DescribeNotificationRule",
    "codestar-notifications:Subscribe",
    "codestar-notifications:Unsubscribe",
    "codestar-notifications:UpdateNotificationRule",
];

/// Adds the keys that a need has.
pub(super) async fn add(tx: &mut Tx, cx: &Cx, need: &Need, context: &mut Context) -> Result<(), ApiError> {
    if OF_A_RULE.contains(&need.action.as_str()) {
        let resource = match need.resources.as_slice() {
            [arn] => resource_of_rule(tx, cx, arn).await?,
            _ => None,
        };
        // Without a value for a rule that is not there, or not yet.
        context.insert(NOTIFICATIONS_FOR_RESOURCE.to_owned(), resource.into_iter().collect());
    }
    Ok(())
}

async fn resource_of_rule(tx: &mut Tx, cx: &Cx, arn: &str) -> Result<Option<String>, ApiError> {
    let Some(parsed) = Arn::parse(arn) else { return Ok(None) };
    let scope = cx.scope();
    match parsed.resource.strip_prefix("notificationrule/") {
        Some(id) if scope.arn("codestar-notifications", parsed.resource.as_str()) == parsed => {
            Ok(codestar_notifications_rule::get(tx, scope, id).await?.map(|row| row.resource))
        }
        Some(_) | None => Ok(None),
    }
}
