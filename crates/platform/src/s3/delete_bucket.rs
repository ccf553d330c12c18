//! DeleteBucket: only when no version, no delete marker and no upload is left, as AWS has it.
//!
//! Deviation: AWS deletes a bucket with uploads under way and drops them; so do we, but their content goes at once.

use base::ApiError;
use store::tables::{s3_bucket, s3_part, s3_upload, s3_version};

use super::bucket::{self, For};
pub use super::shape::{BucketInput as Input, Empty as Output};
use super::{body, content, errors};
use crate::Cx;

pub async fn delete_bucket(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let inner = cx.clone();
    let garbage = cx
        .store
        .write(move |tx| {
            let (cx, input) = (inner.clone(), input.clone());
            Box::pin(async move {
                let row = bucket::load(tx, &cx, &input.bucket, input.owner(), For::Changing).await?;
                if s3_version::any(tx, &row.name).await? {
                    let message = "The bucket you tried to delete is not empty";
                    let message = match super::bucket::versioning(&row) {
                        bucket::Versioning::Off => message.to_owned(),
                        _ => format!("{message}. You must delete all versions in the bucket."),
                    };
                    return Err(errors::simple("BucketNotEmpty", 409, &message).with_member("BucketName", row.name));
                }
                let mut garbage = Vec::new();
                for upload in s3_upload::list(tx, &row.name, b"", i64::from(u32::MAX)).await? {
                    garbage.extend(content::blobs_of_parts(&s3_part::all(tx, &upload.id).await?));
                    s3_part::delete_all(tx, &upload.id).await?;
                    s3_upload::delete(tx, &upload.id).await?;
                }
                s3_bucket::delete(tx, &row.name).await?;
                Ok::<_, ApiError>(garbage)
            })
        })
        .await?;
    body::discard(&cx.objects, garbage);
    Ok(Output {})
}
