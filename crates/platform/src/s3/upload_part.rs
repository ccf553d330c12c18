//! UploadPart: a part with a number that was used before replaces the earlier one.
//!
//! Deviation: a part may come with a checksum though the upload was begun without one; it is verified and not kept.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::s3_part;

use super::checksum::{self, Promise, encode};
use super::shape::{ChecksumMembers, Refused, quoted};
use super::upload::{self, Target};
use super::{body, errors};
use crate::{ByteStream, Cx};

/// Members that are refused by name (see `shape::Refused`).
pub const UNSUPPORTED: &[&str] = &["SSECustomer*", "ChecksumXXHASH*"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub part_number: i64,
    pub upload_id: String,
    #[serde(rename = "ContentMD5")]
    pub content_md5: Option<String>,
    pub checksum_algorithm: Option<String>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub e_tag: String,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
}

pub async fn upload_part(cx: &Cx, input: Input, body: ByteStream) -> Result<Output, ApiError> {
    upload::check_number(input.part_number)?;
    input.refused.check()?;
    let asked = input.checksum_algorithm.as_deref();
    let mut promise = Promise::new(&input.checksums, asked, input.content_md5.as_deref())?;
    promise.expect_trailers(body.trailers().names());
    let target =
        Target { bucket: input.bucket, key: input.key, upload_id: input.upload_id, owner: input.expected_bucket_owner };
    let row = upload::peek(cx, &target).await?;
    let wanted = row.checksum_algorithm.as_deref().map(checksum::parse).transpose()?;
    match (wanted, promise.algorithm) {
        (Some(wanted), Some(sent)) if wanted != sent => {
            let (wanted, sent) = (wanted.as_str().to_ascii_lowercase(), sent.as_str().to_ascii_lowercase());
            return Err(errors::invalid_request(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: {sent}"
            )));
        }
        (Some(wanted), None) => promise.algorithm = Some(wanted),
        _ => {}
    }
    let stored = body::receive(&cx.objects, body, &mut promise).await?;
    let sum = promise.algorithm.and_then(|a| stored.checksums.get(a)).map(encode);
    let part = s3_part::Row {
        upload: target.upload_id.clone(),
        number: input.part_number,
        size: i64::try_from(stored.size()).unwrap_or(i64::MAX),
        md5: stored.checksums.md5_hex(),
        modified: super::version::whole_seconds(cx.now()),
        checksum: sum.clone().filter(|_| wanted.is_some()),
        blob: stored.blob().map(ToString::to_string),
        content: super::inline(&stored),
    };
    let output = Output {
        e_tag: quoted(&part.md5),
        checksums: ChecksumMembers::of(promise.algorithm.map(|a| a.as_str()), sum.as_deref()),
    };
    upload::put_part(cx, target, part).await?;
    Ok(output)
}
