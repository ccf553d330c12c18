//! The ARNs of notification rules.

use base::{ApiError, Arn, Scope};

use super::errors;

/// The service's name in ARNs.
pub(super) const SERVICE: &str = "codestar-notifications";

/// A rule's ARN.
pub(super) fn of_rule(scope: &Scope, id: &str) -> String {
    scope.arn(SERVICE, format!("notificationrule/{id}")).to_string()
}

/// The id of the rule of this account and region that an ARN names.
pub(super) fn rule(scope: &Scope, arn: &str) -> Result<String, ApiError> {
    own_rule(scope, arn).ok_or_else(|| errors::not_found(arn))
}

/// The same; none for what names no rule of ours.
pub(super) fn own_rule(scope: &Scope, arn: &str) -> Option<String> {
    let parsed = Arn::parse(arn)?;
    let id = parsed.resource.strip_prefix("notificationrule/")?.to_owned();
    (of_rule(scope, &id) == arn).then_some(id)
}
