//! Managed policies of a user or role.

use base::ApiError;
use store::Tx;
use store::tables::{iam_attachment, iam_policy};

use super::shapes::AttachedPolicy;
use super::{aws_managed, names};
use crate::Cx;

/// Those whose path begins with `prefix`, by name.
pub(crate) async fn of_owner(tx: &mut Tx, cx: &Cx, owner: &str, prefix: &str) -> Result<Vec<AttachedPolicy>, ApiError> {
    let mut out = Vec::new();
    for key in iam_attachment::of_owner(tx, owner).await? {
        if let Some(managed) = aws_managed::find(&key) {
            if managed.path().starts_with(prefix) {
                out.push(AttachedPolicy { policy_name: managed.name.to_owned(), policy_arn: key });
            }
        } else if let Some(row) = iam_policy::get_by_id(tx, &key).await?
            && row.path.starts_with(prefix)
        {
            let policy_arn = names::arn(cx.scope(), "policy", &row.path, &row.name);
            out.push(AttachedPolicy { policy_name: row.name, policy_arn });
        }
    }
    out.sort_by(|a, b| a.policy_name.cmp(&b.policy_name));
    Ok(out)
}
