//! Finding what an operation names.

use base::ApiError;
use store::Tx;
use store::tables::{iam_attachment, iam_policy, iam_role, iam_user};

use super::aws_managed::{self, Managed};
use super::{errors, names};
use crate::Cx;

pub(crate) fn account(cx: &Cx) -> &str {
    cx.scope().account.as_str()
}

pub(crate) async fn user(tx: &mut Tx, cx: &Cx, name: &str) -> Result<iam_user::Row, ApiError> {
    iam_user::get(tx, account(cx), name).await?.ok_or_else(|| errors::no_user(name))
}

pub(crate) async fn role(tx: &mut Tx, cx: &Cx, name: &str) -> Result<iam_role::Row, ApiError> {
    iam_role::get(tx, account(cx), name).await?.ok_or_else(|| errors::no_role(name))
}

/// Whether a role that a service is to act as may exist: one of another account may, ours must be there. In test mode
/// roles need not exist, as in the emulators that such tests were written for.
pub async fn may_exist(tx: &mut Tx, cx: &Cx, arn: &str) -> Result<bool, ApiError> {
    let Some((of, name)) = names::parse_arn(arn, "role").filter(|(of, _)| of == account(cx)) else { return Ok(true) };
    if cx.site.test_mode {
        return Ok(true);
    }
    let same = |row: iam_role::Row| names::arn(cx.scope(), "role", &row.path, &row.name) == arn;
    Ok(iam_role::get(tx, &of, &name).await?.is_some_and(same))
}

/// Who owns access keys: a user, or the account's root.
pub(crate) struct KeyOwner {
    pub id: String,
    pub name: String,
}

/// The user of this name; without a name, whoever calls.
pub(crate) async fn key_owner(tx: &mut Tx, cx: &Cx, name: Option<&str>) -> Result<KeyOwner, ApiError> {
    if let Some(name) = name {
        let user = user(tx, cx, name).await?;
        return Ok(KeyOwner { id: user.id, name: user.name });
    }
    let caller = &cx.caller.principal;
    if caller.user_id == account(cx) {
        return Ok(KeyOwner { id: caller.user_id.clone(), name: "root".to_owned() });
    }
    match iam_user::get_by_id(tx, &caller.user_id).await? {
        Some(user) => Ok(KeyOwner { id: user.id, name: user.name }),
        None => Err(errors::validation("Must specify userName when calling with non-User credentials")),
    }
}

/// A managed policy.
pub(crate) enum Policy {
    Own(iam_policy::Row),
    Aws(Managed),
}

/// The policy of an ARN, if it is there.
pub(crate) async fn policy(tx: &mut Tx, cx: &Cx, arn: &str) -> Result<Option<Policy>, ApiError> {
    if aws_managed::is_of_aws(arn) {
        return Ok(aws_managed::find(arn).map(Policy::Aws));
    }
    let Some((of, name)) = names::parse_arn(arn, "policy") else {
        return Err(errors::invalid_input(format!("ARN {arn} is not valid.")));
    };
    let found = iam_policy::get(tx, account(cx), &name).await?;
    // The ARN has the path in it, so a right name with a wrong path is another policy.
    let same =
        |row: &iam_policy::Row| of == account(cx) && names::arn(cx.scope(), "policy", &row.path, &row.name) == arn;
    Ok(found.filter(same).map(Policy::Own))
}

/// A policy that the account may change.
pub(crate) async fn own_policy(tx: &mut Tx, cx: &Cx, arn: &str) -> Result<iam_policy::Row, ApiError> {
    match policy(tx, cx, arn).await? {
        Some(Policy::Own(row)) => Ok(row),
        Some(Policy::Aws(_)) => Err(ApiError::new(
            "AccessDenied",
            format!("User: {} is not authorized to change the AWS managed policy {arn}", cx.caller.principal.arn),
        )
        .with_status(403)),
        None => Err(errors::no_policy(arn)),
    }
}

impl Policy {
    /// What `iam_attachment` keeps.
    pub(crate) fn key(&self, arn: &str) -> String {
        match self {
            Policy::Own(row) => row.id.clone(),
            Policy::Aws(_) => arn.to_owned(),
        }
    }
}

pub(crate) async fn attachments(tx: &mut Tx, cx: &Cx, key: &str) -> Result<usize, ApiError> {
    Ok(iam_attachment::of_policy(tx, account(cx), key).await?.len())
}
