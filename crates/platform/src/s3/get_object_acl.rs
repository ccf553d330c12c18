//! GetObjectAcl: as the bucket's, since there are no ACLs.

use base::ApiError;
use serde_json::Value;

use super::bucket::{self, For};
use super::get_bucket_acl::owner_only;
pub use super::get_object_tagging::Input;
use super::lookup;
use crate::Cx;

pub async fn get_object_acl(cx: &Cx, input: Input) -> Result<Value, ApiError> {
    let mut tx = cx.store.read().await?;
    let owner = input.expected_bucket_owner.as_deref();
    let bucket = bucket::load(&mut tx, cx, &input.bucket, owner, For::Reading).await?;
    lookup::find(&mut tx, &bucket, &input.key, input.version_id.as_deref()).await?;
    Ok(owner_only(bucket.scope.account.as_str()))
}
