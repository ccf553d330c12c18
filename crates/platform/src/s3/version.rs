//! How versions come and go: the one place that knows what versioning means. All of it runs in the caller's
//! transaction, together with the event that tells of it.

use base::{ApiError, Event, Tags, Timestamp};
use serde_json::{Value, json};
use store::Tx;
use store::objects::BlobId;
use store::tables::{s3_bucket, s3_part, s3_version};

use super::bucket::{Versioning, versioning};
use super::condition::WriteConditions;
use super::content;
use crate::Cx;

/// The id of objects that were written while versioning was not enabled.
pub(super) const NULL: &str = "null";

/// A version that is about to be.
#[derive(Clone, Debug)]
pub(super) struct NewVersion {
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) storage_class: String,
    pub(super) checksum_algorithm: Option<String>,
    pub(super) checksum_type: Option<String>,
    pub(super) checksum: Option<String>,
    pub(super) attributes: Value,
    pub(super) tags: Tags,
    pub(super) blob: Option<BlobId>,
    pub(super) parts: Option<String>,
    pub(super) content: Option<Vec<u8>>,
}

/// Identifiers minted before the transaction, so that a transaction that is tried again uses the same.
#[derive(Clone, Debug)]
pub(super) struct Minted {
    version: String,
    event: String,
}

impl Minted {
    pub(super) fn new(cx: &Cx) -> Self {
        Minted { version: cx.ids.uuid().simple().to_string(), event: cx.ids.uuid().to_string() }
    }
}

/// What a change left behind.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// The version's id, when the bucket has versions.
    pub(super) version_id: Option<String>,
    pub(super) modified: Timestamp,
    /// Content that no row names any more once the transaction has been committed.
    pub(super) garbage: Vec<BlobId>,
}

/// Times as S3 shows them have whole seconds.
pub(super) fn whole_seconds(t: Timestamp) -> Timestamp {
    Timestamp::from_secs(t.secs())
}

/// Puts a new version in place.
pub(super) async fn place(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &s3_bucket::Row,
    new: NewVersion,
    conditions: &WriteConditions,
    minted: &Minted,
    reason: &'static str,
) -> Result<Placed, ApiError> {
    s3_version::lock(tx, &bucket.name, &new.key).await?;
    let newest = s3_version::newest(tx, &bucket.name, &new.key).await?;
    conditions.check(&new.key, newest.as_ref())?;
    let now = cx.now();
    let age = next_age(now, newest.as_ref());
    let enabled = versioning(bucket) == Versioning::Enabled;
    let garbage = step_aside(tx, bucket, newest, enabled, &new.key).await?;
    let row = s3_version::Row {
        bucket: bucket.name.clone(),
        key: new.key,
        age,
        version_id: if enabled { version_id(age, minted) } else { NULL.to_owned() },
        latest: true,
        marker: false,
        size: i64::try_from(new.size).unwrap_or(i64::MAX),
        etag: new.etag,
        modified: whole_seconds(now),
        storage_class: new.storage_class,
        checksum_algorithm: new.checksum_algorithm,
        checksum_type: new.checksum_type,
        checksum: new.checksum,
        attributes: new.attributes,
        tags: new.tags,
        blob: new.blob.map(|b| b.to_string()),
        parts: new.parts,
        content: new.content,
    };
    s3_version::insert(tx, &row).await?;
    let version_id = (versioning(bucket) != Versioning::Off).then(|| row.version_id.clone());
    let mut object = json!({ "key": row.key, "size": row.size, "etag": row.etag, "sequencer": sequencer(age) });
    if let (Some(id), Some(object)) = (&version_id, object.as_object_mut()) {
        object.insert("version-id".to_owned(), json!(id));
    }
    emit(tx, cx, bucket, "Object Created", object, json!({ "reason": reason }), &minted.event).await?;
    Ok(Placed { version_id, modified: row.modified, garbage })
}

/// Makes room for a newer version of the key: with versions the old ones stay, without them `null` is replaced.
async fn step_aside(
    tx: &mut Tx,
    bucket: &s3_bucket::Row,
    newest: Option<s3_version::Row>,
    enabled: bool,
    key: &str,
) -> Result<Vec<BlobId>, ApiError> {
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let mut garbage = Vec::new();
    if !enabled {
        let null = match newest.version_id == NULL {
            true => Some(newest.clone()),
            // Without versioning there is never another version beside `null`.
            false => s3_version::get(tx, &bucket.name, key, NULL).await?,
        };
        if let Some(null) = null {
            garbage = drop_row(tx, &null).await?;
        }
        if newest.version_id == NULL {
            return Ok(garbage);
        }
    }
    s3_version::set_latest(tx, &bucket.name, key, newest.age, false).await?;
    Ok(garbage)
}

/// Removes a row with its parts.
async fn drop_row(tx: &mut Tx, row: &s3_version::Row) -> Result<Vec<BlobId>, ApiError> {
    s3_version::delete(tx, &row.bucket, &row.key, row.age).await?;
    let mut garbage = content::blobs_of_row(row);
    if let Some(upload) = &row.parts {
        garbage.extend(content::blobs_of_parts(&s3_part::all(tx, upload).await?));
        s3_part::delete_all(tx, upload).await?;
    }
    Ok(garbage)
}

/// Ages fall as time goes by, and strictly so within a key even when the clock stands still.
fn next_age(now: Timestamp, newest: Option<&s3_version::Row>) -> i64 {
    let by_clock = -now.micros();
    newest.map_or(by_clock, |n| by_clock.min(n.age - 1))
}

/// 32 hexadecimal digits: the age, so that a listing can go on after a version that is gone, and chance.
fn version_id(age: i64, minted: &Minted) -> String {
    format!("{:016x}{}", age.cast_unsigned(), minted.version.get(16..).unwrap_or_default())
}

/// The age inside a version id of ours.
pub(super) fn age_of(version_id: &str) -> Option<i64> {
    let ours = version_id.len() == 32 && version_id.bytes().all(|b| b.is_ascii_hexdigit());
    let age = version_id.get(..16).filter(|_| ours)?;
    u64::from_str_radix(age, 16).ok().map(u64::cast_signed)
}

/// Refuses what cannot be a version id.
pub(super) fn check_id(version_id: &str) -> Result<(), ApiError> {
    if version_id == NULL || age_of(version_id).is_some() {
        return Ok(());
    }
    Err(super::errors::invalid_argument("versionId", version_id, "Invalid version id specified"))
}

fn sequencer(age: i64) -> String {
    format!("{:018X}", age.unsigned_abs())
}

/// What a deletion did.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Removed {
    /// The version that was deleted or the marker that was made.
    pub(super) version_id: Option<String>,
    /// A marker was made, or the version that was deleted was one.
    pub(super) marker: bool,
    pub(super) garbage: Vec<BlobId>,
}

/// Deletes an object (`version` is none) or one version of it. What is not there is deleted already.
pub(super) async fn remove(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &s3_bucket::Row,
    key: &str,
    version: Option<&str>,
    if_match: Option<&str>,
    minted: &Minted,
) -> Result<Removed, ApiError> {
    s3_version::lock(tx, &bucket.name, key).await?;
    let newest = s3_version::newest(tx, &bucket.name, key).await?;
    let conditions = WriteConditions { if_match: if_match.map(str::to_owned), if_none_match: None };
    conditions.check(key, newest.as_ref())?;
    match version {
        Some(version) => remove_version(tx, cx, bucket, key, version, minted).await,
        None if versioning(bucket) == Versioning::Off => {
            let Some(row) = newest else { return Ok(Removed::default()) };
            let garbage = drop_row(tx, &row).await?;
            let object = json!({ "key": key, "sequencer": sequencer(next_age(cx.now(), Some(&row))) });
            deleted(tx, cx, bucket, object, "Permanently Deleted", minted).await?;
            Ok(Removed { garbage, ..Removed::default() })
        }
        None => mark(tx, cx, bucket, key, newest, minted).await,
    }
}

/// Puts a delete marker on top.
async fn mark(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &s3_bucket::Row,
    key: &str,
    newest: Option<s3_version::Row>,
    minted: &Minted,
) -> Result<Removed, ApiError> {
    let enabled = versioning(bucket) == Versioning::Enabled;
    let age = next_age(cx.now(), newest.as_ref());
    let garbage = step_aside(tx, bucket, newest, enabled, key).await?;
    let row = s3_version::Row {
        bucket: bucket.name.clone(),
        key: key.to_owned(),
        age,
        version_id: if enabled { version_id(age, minted) } else { NULL.to_owned() },
        latest: true,
        marker: true,
        size: 0,
        etag: String::new(),
        modified: whole_seconds(cx.now()),
        storage_class: String::new(),
        checksum_algorithm: None,
        checksum_type: None,
        checksum: None,
        attributes: json!({}),
        tags: Tags::new(),
        blob: None,
        parts: None,
        content: None,
    };
    s3_version::insert(tx, &row).await?;
    let object = json!({ "key": key, "version-id": row.version_id, "sequencer": sequencer(age) });
    deleted(tx, cx, bucket, object, "Delete Marker Created", minted).await?;
    Ok(Removed { version_id: Some(row.version_id), marker: true, garbage })
}

async fn remove_version(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &s3_bucket::Row,
    key: &str,
    version: &str,
    minted: &Minted,
) -> Result<Removed, ApiError> {
    let mut removed = Removed { version_id: Some(version.to_owned()), ..Removed::default() };
    let Some(row) = s3_version::get(tx, &bucket.name, key, version).await? else {
        return Ok(removed);
    };
    removed.marker = row.marker;
    removed.garbage = drop_row(tx, &row).await?;
    if row.latest
        && let Some(next) = s3_version::newest(tx, &bucket.name, key).await?
    {
        s3_version::set_latest(tx, &bucket.name, key, next.age, true).await?;
    }
    let sequencer = sequencer(next_age(cx.now(), Some(&row)));
    let object = json!({ "key": key, "version-id": version, "sequencer": sequencer });
    deleted(tx, cx, bucket, object, "Permanently Deleted", minted).await?;
    Ok(removed)
}

async fn deleted(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &s3_bucket::Row,
    object: Value,
    kind: &'static str,
    minted: &Minted,
) -> Result<(), ApiError> {
    let more = json!({ "reason": "DeleteObject", "deletion-type": kind });
    emit(tx, cx, bucket, "Object Deleted", object, more, &minted.event).await
}

/// Deviation: AWS sends these events only for buckets whose notification configuration turns EventBridge on; here
/// every bucket sends them, since S3 pipeline sources start from them.
async fn emit(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &s3_bucket::Row,
    detail_type: &str,
    object: Value,
    more: Value,
    id: &str,
) -> Result<(), ApiError> {
    let mut detail = json!({
        "version": "0",
        "bucket": { "name": bucket.name },
        "object": object,
        "request-id": cx.caller.request_id,
        "requester": cx.caller.scope.account,
        "source-ip-address": cx.caller.source_ip,
    });
    if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
        detail.extend(more);
    }
    let event = Event {
        source: "aws.s3".to_owned(),
        detail_type: detail_type.to_owned(),
        resources: vec![bucket_arn(bucket)],
        detail,
    };
    store::events::append(tx, &bucket.scope, &event, id).await?;
    Ok(())
}

/// `arn:aws:s3:::name`.
pub(super) fn bucket_arn(bucket: &s3_bucket::Row) -> String {
    format!("arn:{}:s3:::{}", bucket.scope.region.partition(), bucket.name)
}

/// The version id as answers carry it: AWS leaves it out of a write's answer when it is `null`.
pub(super) fn shown(version_id: Option<String>) -> Option<String> {
    version_id.filter(|v| v != NULL)
}
