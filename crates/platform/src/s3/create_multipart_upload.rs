//! CreateMultipartUpload.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::objects::ChecksumAlgorithm;
use store::tables::s3_upload;

use super::bucket::{self, For};
use super::shape::{ObjectHeaders, Refused, storage_class, tags_from_header};
use super::{checksum, errors};
use crate::Cx;

/// Members that are refused by name (see `shape::Refused`).
pub const UNSUPPORTED: &[&str] = &["ACL", "Grant*", "SSECustomer*", "SSEKMSKeyId", "ObjectLock*"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub checksum_algorithm: Option<String>,
    pub checksum_type: Option<String>,
    pub storage_class: Option<String>,
    pub tagging: Option<String>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub headers: ObjectHeaders,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
}

pub async fn create_multipart_upload(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    bucket::check_key(&input.key)?;
    input.refused.check()?;
    let algorithm = input.checksum_algorithm.as_deref().map(checksum::parse).transpose()?;
    let kind = checksum_type(algorithm, input.checksum_type.as_deref())?;
    let headers = input.headers.cleaned()?.with_default_type();
    let id = format!("{}{}", cx.ids.uuid().simple(), cx.ids.uuid().simple());
    let row = s3_upload::Row {
        id: id.clone(),
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        initiator: cx.caller.principal.arn.clone(),
        initiated: super::version::whole_seconds(cx.now()),
        storage_class: storage_class(input.storage_class)?,
        checksum_algorithm: algorithm.map(|a| a.as_str().to_owned()),
        checksum_type: kind.map(str::to_owned),
        attributes: serde_json::to_value(headers).map_err(ApiError::internal)?,
        tags: tags_from_header(input.tagging.as_deref())?,
    };
    let output = Output {
        bucket: input.bucket,
        key: input.key,
        upload_id: id,
        checksum_algorithm: row.checksum_algorithm.clone(),
        checksum_type: row.checksum_type.clone(),
    };
    let (inner, owner) = (cx.clone(), input.expected_bucket_owner);
    cx.store
        .write(move |tx| {
            let (cx, owner, row) = (inner.clone(), owner.clone(), row.clone());
            Box::pin(async move {
                bucket::load(tx, &cx, &row.bucket, owner.as_deref(), For::Writing).await?;
                s3_upload::insert(tx, &row).await?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(output)
}

/// Which kinds an algorithm allows, and which is meant when none is named.
fn checksum_type(algorithm: Option<ChecksumAlgorithm>, asked: Option<&str>) -> Result<Option<&'static str>, ApiError> {
    let Some(algorithm) = algorithm else {
        return match asked {
            None => Ok(None),
            Some(_) => Err(errors::invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let sha = matches!(algorithm, ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 | ChecksumAlgorithm::Sha512);
    let nvme = algorithm == ChecksumAlgorithm::Crc64Nvme;
    match asked {
        None => Ok(Some(if nvme { "FULL_OBJECT" } else { "COMPOSITE" })),
        Some("FULL_OBJECT") if !sha => Ok(Some("FULL_OBJECT")),
        Some("COMPOSITE") if !nvme => Ok(Some("COMPOSITE")),
        Some(kind @ ("FULL_OBJECT" | "COMPOSITE")) => {
            let name = algorithm.as_str().to_ascii_lowercase();
            let message = format!("The {kind} checksum type cannot be used with the {name} checksum algorithm.");
            Err(errors::invalid_request(message))
        }
        Some(_) => Err(errors::invalid_request("Value for x-amz-checksum-type header is invalid.")),
    }
}
