//! ListObjects, the first version: pages by `Marker`, and owners always.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::bucket::{self, For};
use super::list_objects_v2::{Object, object};
use super::listing::{CommonPrefix, Encoding, Page, Position, Walk, common_prefixes, max_items};
use super::shape::owner;
use crate::Cx;

/// Members that are ignored: `OptionalObjectAttributes` asks for the restore status, which no object here has.
pub const UNSUPPORTED: &[&str] = &["OptionalObjectAttributes"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub prefix: Option<String>,
    pub delimiter: Option<String>,
    pub encoding_type: Option<String>,
    pub max_keys: Option<i64>,
    pub marker: Option<String>,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub name: String,
    pub prefix: String,
    pub marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    pub max_keys: usize,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Object>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common_prefixes: Vec<CommonPrefix>,
}

pub async fn list_objects(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let walk = Walk {
        bucket: input.bucket.clone(),
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|d| !d.is_empty()),
        max: max_items("maxKeys", input.max_keys)?,
    };
    let marker = input.marker.unwrap_or_default();
    let mut tx = cx.store.read().await?;
    let bucket = bucket::load(&mut tx, cx, &input.bucket, input.expected_bucket_owner.as_deref(), For::Reading).await?;
    let Page { items, prefixes, next } = walk.current(&mut tx, Position::after(&marker, &walk)).await?;
    let owner = owner(bucket.scope.account.as_str());
    // AWS gives NextMarker only with a delimiter: without one the last key is the marker.
    let next_marker = next.as_ref().filter(|_| walk.delimiter.is_some()).map(|n| encoding.text(n.last.clone()));
    Ok(Output {
        name: input.bucket,
        prefix: encoding.text(walk.prefix),
        marker: encoding.text(marker),
        next_marker,
        delimiter: encoding.optional(walk.delimiter),
        max_keys: walk.max,
        is_truncated: next.is_some(),
        encoding_type: input.encoding_type,
        contents: items.into_iter().map(|r| object(r, encoding, Some(&owner))).collect(),
        common_prefixes: common_prefixes(prefixes, encoding),
    })
}
