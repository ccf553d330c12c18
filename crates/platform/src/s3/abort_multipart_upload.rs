//! AbortMultipartUpload.

use base::ApiError;
use serde::Deserialize;
use store::tables::{s3_part, s3_upload};

use super::bucket::{self, For};
pub use super::shape::Empty as Output;
use super::{body, content, errors, upload};
use crate::Cx;

/// Members that are refused by name: it is for directory buckets.
pub const UNSUPPORTED: &[&str] = &["IfMatchInitiatedTime"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub if_match_initiated_time: Option<serde_json::Value>,
    pub expected_bucket_owner: Option<String>,
}

pub async fn abort_multipart_upload(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if input.if_match_initiated_time.is_some() {
        return Err(errors::not_implemented("x-amz-if-match-initiated-time"));
    }
    let inner = cx.clone();
    let garbage = cx
        .store
        .write(move |tx| {
            let (cx, input) = (inner.clone(), input.clone());
            Box::pin(async move {
                let owner = input.expected_bucket_owner.as_deref();
                let bucket = bucket::load(tx, &cx, &input.bucket, owner, For::Writing).await?;
                s3_upload::lock(tx, &input.upload_id).await?;
                let row = upload::load(tx, &bucket, &input.key, &input.upload_id).await?;
                let garbage = content::blobs_of_parts(&s3_part::all(tx, &row.id).await?);
                s3_part::delete_all(tx, &row.id).await?;
                s3_upload::delete(tx, &row.id).await?;
                Ok::<_, ApiError>(garbage)
            })
        })
        .await?;
    body::discard(&cx.objects, garbage);
    Ok(Output {})
}
