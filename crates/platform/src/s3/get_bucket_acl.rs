//! GetBucketAcl: full control for the owner and nothing for anyone else, which is how access is decided.

use base::ApiError;
use serde_json::{Value, json};

use super::bucket::{self, For};
pub use super::shape::BucketInput as Input;
use super::shape::owner;
use crate::Cx;

pub async fn get_bucket_acl(cx: &Cx, input: Input) -> Result<Value, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Ok(owner_only(row.scope.account.as_str()))
}

/// The list that gives the owner everything.
pub(super) fn owner_only(account: &str) -> Value {
    let owner = owner(account);
    let grantee = json!({ "Type": "CanonicalUser", "ID": owner.id });
    json!({ "Owner": owner, "Grants": [{ "Grantee": grantee, "Permission": "FULL_CONTROL" }] })
}
