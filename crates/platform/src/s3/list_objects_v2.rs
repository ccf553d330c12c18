//! ListObjectsV2. A continuation token names the place in the key order, so objects that come and go between pages
//! neither repeat nor hide others.

use base::{ApiError, PageToken, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::s3_version::Listed;

use super::bucket::{self, For};
use super::errors;
use super::listing::{CommonPrefix, Encoding, Page, Position, Walk, common_prefixes, max_items};
use super::shape::{Owner, owner, quoted};
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
    pub continuation_token: Option<String>,
    pub start_after: Option<String>,
    pub fetch_owner: Option<bool>,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub name: String,
    pub prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    pub max_keys: usize,
    pub key_count: usize,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Object>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common_prefixes: Vec<CommonPrefix>,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Object {
    pub key: String,
    pub last_modified: Timestamp,
    pub e_tag: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checksum_algorithm: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    pub size: i64,
    pub storage_class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// A listed row as clients see it.
pub(super) fn object(row: Listed, encoding: Encoding, owner: Option<&Owner>) -> Object {
    Object {
        key: encoding.text(row.key),
        last_modified: row.modified,
        e_tag: quoted(&row.etag),
        checksum_algorithm: row.checksum_algorithm.into_iter().collect(),
        checksum_type: row.checksum_type,
        size: row.size,
        storage_class: row.storage_class,
        owner: owner.cloned(),
    }
}

pub async fn list_objects_v2(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let walk = Walk {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().filter(|d| !d.is_empty()),
        max: max_items("maxKeys", input.max_keys)?,
    };
    let list = format!("ListObjectsV2:{}", input.bucket);
    let from = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => position(&list, token)?,
        (None, Some(marker)) => Position::after(marker, &walk),
        (None, None) => Position::start(),
    };
    let mut tx = cx.store.read().await?;
    let owner_wanted = input.expected_bucket_owner.as_deref();
    let bucket = bucket::load(&mut tx, cx, &input.bucket, owner_wanted, For::Reading).await?;
    let Page { items, prefixes, next } = walk.current(&mut tx, from).await?;
    let owner = (input.fetch_owner == Some(true)).then(|| owner(bucket.scope.account.as_str()));
    Ok(Output {
        name: input.bucket,
        prefix: encoding.text(walk.prefix),
        delimiter: encoding.optional(walk.delimiter),
        max_keys: walk.max,
        key_count: items.len() + prefixes.len(),
        is_truncated: next.is_some(),
        encoding_type: input.encoding_type,
        start_after: encoding.optional(input.start_after),
        continuation_token: input.continuation_token,
        next_continuation_token: next.map(|n| PageToken::after(&list, &hex::encode(n.key)).into_string()),
        contents: items.into_iter().map(|r| object(r, encoding, owner.as_ref())).collect(),
        common_prefixes: common_prefixes(prefixes, encoding),
    })
}

fn position(list: &str, token: &str) -> Result<Position, ApiError> {
    let key = PageToken::position(list, token).ok().and_then(|p| hex::decode(p).ok());
    let key = key.ok_or_else(|| {
        errors::invalid_argument("continuation-token", token, "The continuation token provided is incorrect")
    })?;
    Ok(Position { key, ..Position::start() })
}
