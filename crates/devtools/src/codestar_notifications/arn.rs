//! The ARNs of notification rules.

use base::{ApiError, Arn, Scope};

use super::errors;

/// The service's name in ARNs.
pub(super) const SERVICE: &str = "codestar-notifications";

/// A rule's ARN.
pub(crate) fn of_rule(scope: &Scope, id: &str) -> String {
    scope.arn(SERVICE, format!("notificationrule/{id}")).to_string()
}

/// The id of the rule of this account and region that an ARN names.
pub(super) fn rule(scope: &Scope, arn: &str) -> Result<String, ApiError> {
    parse(scope, arn).ok_or_else(|| errors::not_found(arn))
}

/// The same for operations that take a rule that is not there for one that is gone.
pub(super) fn own_rule(scope: &Scope, arn: &str) -> Result<String, ApiError> {
    let wrong = || errors::invalid(format!("{arn} is not the ARN of a notification rule of this account and region"));
    parse(scope, arn).ok_or_else(wrong)
}

fn parse(scope: &Scope, arn: &str) -> Option<String> {
    let parsed = Arn::parse(arn)?;
    let id = parsed.resource.strip_prefix("notificationrule/")?.to_owned();
    (of_rule(scope, &id) == arn).then_some(id)
}
