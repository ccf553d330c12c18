//! What the operations on multipart uploads have in common.

use base::ApiError;
use store::Tx;
use store::tables::{s3_bucket, s3_part, s3_upload};

use super::bucket::{self, For};
use super::{body, content, errors};
use crate::Cx;

/// The upload, if it belongs to that bucket and key.
pub(super) async fn load(
    tx: &mut Tx,
    bucket: &s3_bucket::Row,
    key: &str,
    upload: &str,
) -> Result<s3_upload::Row, ApiError> {
    let row = s3_upload::get(tx, upload).await?.filter(|u| u.bucket == bucket.name && u.key == key);
    row.ok_or_else(|| errors::no_such_upload(upload))
}

/// Part numbers go from 1 to 10000.
pub(super) fn check_number(number: i64) -> Result<(), ApiError> {
    if (1..=10_000).contains(&number) {
        return Ok(());
    }
    let message = "Part number must be an integer between 1 and 10000, inclusive";
    Err(errors::invalid_argument("partNumber", number.to_string(), message))
}

/// Where a part goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) upload_id: String,
    pub(super) owner: Option<String>,
}

/// The upload before any content is taken in.
pub(super) async fn peek(cx: &Cx, target: &Target) -> Result<s3_upload::Row, ApiError> {
    let mut tx = cx.store.read().await?;
    let bucket = bucket::load(&mut tx, cx, &target.bucket, target.owner.as_deref(), For::Reading).await?;
    load(&mut tx, &bucket, &target.key, &target.upload_id).await
}

/// Commits a part, then deletes what it replaced; when it is refused, its content is deleted instead.
pub(super) async fn put_part(cx: &Cx, target: Target, part: s3_part::Row) -> Result<(), ApiError> {
    let fresh = content::blobs_of_parts(std::slice::from_ref(&part));
    let inner = cx.clone();
    let placed = cx
        .store
        .write(move |tx| {
            let (cx, target, part) = (inner.clone(), target.clone(), part.clone());
            Box::pin(async move {
                let bucket = bucket::load(tx, &cx, &target.bucket, target.owner.as_deref(), For::Writing).await?;
                s3_upload::lock(tx, &target.upload_id).await?;
                load(tx, &bucket, &target.key, &target.upload_id).await?;
                Ok::<_, ApiError>(s3_part::put(tx, &part).await?)
            })
        })
        .await;
    match placed {
        Ok(replaced) => {
            body::discard(&cx.objects, content::blobs_of_parts(replaced.as_slice()));
            Ok(())
        }
        Err(e) => {
            body::discard_refused(&cx.objects, &e, fresh);
            Err(e)
        }
    }
}
