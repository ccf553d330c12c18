//! ListMultipartUploads: by key, then by the time at which they began.

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::s3_upload;

use super::bucket::{self, For};
use super::listing::{CommonPrefix, Encoding, Walk, common_prefixes, max_items};
use super::shape::{Owner, owner};
use crate::Cx;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub prefix: Option<String>,
    pub delimiter: Option<String>,
    pub encoding_type: Option<String>,
    pub max_uploads: Option<i64>,
    pub key_marker: Option<String>,
    pub upload_id_marker: Option<String>,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub bucket: String,
    pub prefix: String,
    pub key_marker: String,
    pub upload_id_marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_key_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_upload_id_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    pub max_uploads: usize,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uploads: Vec<Upload>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common_prefixes: Vec<CommonPrefix>,
}

/// An upload under way.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Upload {
    pub upload_id: String,
    pub key: String,
    pub initiated: Timestamp,
    pub storage_class: String,
    pub owner: Owner,
    pub initiator: Owner,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
}

pub async fn list_multipart_uploads(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let walk = Walk {
        bucket: input.bucket.clone(),
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|d| !d.is_empty()),
        max: max_items("max-uploads", input.max_uploads)?,
    };
    let key_marker = input.key_marker.unwrap_or_default();
    let id_marker = input.upload_id_marker.filter(|_| !key_marker.is_empty()).unwrap_or_default();
    let mut tx = cx.store.read().await?;
    let bucket = bucket::load(&mut tx, cx, &input.bucket, input.expected_bucket_owner.as_deref(), For::Reading).await?;
    let rows = rows(&mut tx, &walk, &key_marker, &id_marker).await?;
    let owner = owner(bucket.scope.account.as_str());
    let (mut uploads, mut prefixes) = (Vec::new(), Vec::<String>::new());
    let (mut last, mut truncated) = ((String::new(), String::new()), false);
    for row in rows {
        let group = walk.group(&row.key).map(str::to_owned);
        if group.is_some() && group.as_ref() == prefixes.last() {
            continue;
        }
        if uploads.len() + prefixes.len() == walk.max {
            truncated = walk.max > 0;
            break;
        }
        last = (group.clone().unwrap_or_else(|| row.key.clone()), row.id.clone());
        match group {
            Some(group) => prefixes.push(group),
            None => uploads.push(Upload {
                upload_id: row.id,
                key: encoding.text(row.key),
                initiated: row.initiated,
                storage_class: row.storage_class,
                owner: owner.clone(),
                initiator: Owner { display_name: None, id: row.initiator },
                checksum_algorithm: row.checksum_algorithm,
                checksum_type: row.checksum_type,
            }),
        }
    }
    Ok(Output {
        bucket: input.bucket,
        prefix: encoding.text(walk.prefix),
        key_marker: encoding.text(key_marker),
        upload_id_marker: id_marker,
        next_key_marker: truncated.then(|| encoding.text(last.0)),
        next_upload_id_marker: truncated.then_some(last.1),
        delimiter: encoding.optional(walk.delimiter),
        max_uploads: walk.max,
        is_truncated: truncated,
        encoding_type: input.encoding_type,
        uploads,
        common_prefixes: common_prefixes(prefixes, encoding),
    })
}

/// All uploads below the prefix and after the markers. There are few of them at any time, so they are read at once.
async fn rows(tx: &mut Tx, walk: &Walk, key_marker: &str, id_marker: &str) -> Result<Vec<s3_upload::Row>, ApiError> {
    let from = walk.prefix.as_str().max(key_marker);
    let mut rows = s3_upload::list(tx, &walk.bucket, from.as_bytes(), i64::from(u32::MAX)).await?;
    let marked = rows.iter().find(|r| r.id == id_marker && r.key == key_marker).map(|r| r.initiated);
    rows.retain(|r| {
        let after = match (r.key.as_str().cmp(key_marker), marked) {
            (std::cmp::Ordering::Greater, _) => true,
            (std::cmp::Ordering::Equal, Some(at)) => (r.initiated, r.id.as_str()) > (at, id_marker),
            (std::cmp::Ordering::Equal | std::cmp::Ordering::Less, _) => false,
        };
        let done = walk.group(&r.key).is_some_and(|g| g == key_marker);
        (after || key_marker.is_empty()) && !done && r.key.starts_with(&walk.prefix)
    });
    Ok(rows)
}
