//! Roles that rules and targets name.

use base::{ApiError, Arn};
use store::Tx;

use super::errors;
use crate::{Cx, iam};

/// Refuses what is no role of the caller's account, or none that is there.
pub(super) async fn check(tx: &mut Tx, cx: &Cx, role: &str) -> Result<(), ApiError> {
    let wrong = |why: &str| errors::validation(format!("Parameter RoleArn is not valid. Reason: {why}: {role}."));
    let own = Arn::parse(role).filter(|arn| {
        let name = arn.resource.strip_prefix("role/").unwrap_or_default();
        !name.is_empty() && !name.ends_with('/') && cx.scope().global_arn("iam", arn.resource.as_str()) == *arn
    });
    if own.is_none() {
        return Err(wrong("it must be the ARN of a role of the rule's own account"));
    }
    match iam::role_may_exist(tx, cx, role).await? {
        true => Ok(()),
        false => Err(wrong("there is no such role")),
    }
}
