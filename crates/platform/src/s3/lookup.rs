//! Finding the version that a reader means.

use base::ApiError;
use store::Tx;
use store::tables::{s3_bucket, s3_version};

use super::bucket::{Versioning, versioning};
use super::{errors, version};

/// The version with that id, or the current one. A delete marker is an error that says so.
pub(super) async fn find(
    tx: &mut Tx,
    bucket: &s3_bucket::Row,
    key: &str,
    version_id: Option<&str>,
) -> Result<s3_version::Row, ApiError> {
    let row = match version_id {
        Some(id) => {
            version::check_id(id)?;
            let row = s3_version::get(tx, &bucket.name, key, id).await?;
            row.ok_or_else(|| errors::no_such_version(key, id))?
        }
        None => {
            let row = s3_version::newest(tx, &bucket.name, key).await?;
            row.ok_or_else(|| errors::no_such_key(key))?
        }
    };
    if !row.marker {
        return Ok(row);
    }
    let error = match version_id {
        Some(_) => {
            let message = "The specified method is not allowed against this resource.";
            errors::simple("MethodNotAllowed", 405, message).with_member("Method", "GET")
        }
        None => errors::no_such_key(key),
    };
    Err(error.with_member("DeleteMarker", true).with_member("VersionId", row.version_id))
}

/// The version id that answers about `row` carry.
pub(super) fn shown(bucket: &s3_bucket::Row, row: &s3_version::Row) -> Option<String> {
    (versioning(bucket) != Versioning::Off).then(|| row.version_id.clone())
}
