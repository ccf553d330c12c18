//! Versions of objects and delete markers. Walks go along the primary key or along `s3_version_current`.

use base::{Tags, Timestamp};
use serde_json::Value;

use crate::args;
use crate::error::Error;
use crate::sql::SqlRow;
use crate::tx::{Dialect, Tx};

/// One version of an object, or a delete marker.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub bucket: String,
    pub key: String,
    /// Smaller is newer; unique within the key.
    pub age: i64,
    /// `null`, or the id that clients see.
    pub version_id: String,
    pub latest: bool,
    /// A delete marker has no content.
    pub marker: bool,
    pub size: i64,
    /// Without quotes.
    pub etag: String,
    pub modified: Timestamp,
    pub storage_class: String,
    /// S3's spelling.
    pub checksum_algorithm: Option<String>,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub checksum_type: Option<String>,
    /// As clients see it: base64, with `-N` when composite.
    pub checksum: Option<String>,
    /// Headers and user metadata; their form belongs to `platform::s3`.
    pub attributes: Value,
    pub tags: Tags,
    /// Where the content is: one blob, the parts of a completed upload, or inline. A marker has none of them.
    pub blob: Option<String>,
    pub parts: Option<String>,
    pub content: Option<Vec<u8>>,
}

/// What a listing shows of a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub key: String,
    pub age: i64,
    pub version_id: String,
    pub latest: bool,
    pub marker: bool,
    pub size: i64,
    pub etag: String,
    pub modified: Timestamp,
    pub storage_class: String,
    pub checksum_algorithm: Option<String>,
    pub checksum_type: Option<String>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT key, age, version_id, latest, marker, size, etag, modified, storage_class, checksum_algorithm, \
             checksum_type, checksum, attributes, tags, blob, parts, content, bucket FROM s3_version ",
            $rest
        )
    };
}

macro_rules! listed {
    ($rest:literal) => {
        concat!(
            "SELECT key, age, version_id, latest, marker, size, etag, modified, storage_class, checksum_algorithm, \
             checksum_type FROM s3_version ",
            $rest
        )
    };
}

fn key(row: &SqlRow) -> Result<String, Error> {
    String::from_utf8(row.blob(0)?).map_err(|e| Error::Corrupt { column: "key".to_owned(), source: Box::new(e) })
}

fn read_listed(row: &SqlRow) -> Result<Listed, Error> {
    Ok(Listed {
        key: key(row)?,
        age: row.int(1)?,
        version_id: row.text(2)?,
        latest: row.flag(3)?,
        marker: row.flag(4)?,
        size: row.int(5)?,
        etag: row.text(6)?,
        modified: row.time(7)?,
        storage_class: row.text(8)?,
        checksum_algorithm: row.opt_text(9)?,
        checksum_type: row.opt_text(10)?,
    })
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    let l = read_listed(row)?;
    Ok(Row {
        bucket: row.text(17)?,
        key: l.key,
        age: l.age,
        version_id: l.version_id,
        latest: l.latest,
        marker: l.marker,
        size: l.size,
        etag: l.etag,
        modified: l.modified,
        storage_class: l.storage_class,
        checksum_algorithm: l.checksum_algorithm,
        checksum_type: l.checksum_type,
        checksum: row.opt_text(11)?,
        attributes: row.json(12)?,
        tags: row.json(13)?,
        blob: row.opt_text(14)?,
        parts: row.opt_text(15)?,
        content: row.opt_blob(16)?,
    })
}

/// Keeps others from changing this key until the transaction ends. SQLite has one writer at a time anyway.
pub async fn lock(tx: &mut Tx, bucket: &str, key: &str) -> Result<(), Error> {
    if tx.dialect() == Dialect::Postgres {
        let name = format!("s3/{bucket}/{key}").replace('\0', "\u{fffd}");
        tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", args![name]).await?;
    }
    Ok(())
}

/// The newest version of a key, be it a marker.
pub async fn newest(tx: &mut Tx, bucket: &str, key: &str) -> Result<Option<Row>, Error> {
    let sql = columns!("WHERE bucket = $1 AND key = $2 ORDER BY age LIMIT 1");
    tx.fetch_optional(sql, args![bucket, key.as_bytes()]).await?.as_ref().map(read).transpose()
}

/// One version of a key by its id.
pub async fn get(tx: &mut Tx, bucket: &str, key: &str, version_id: &str) -> Result<Option<Row>, Error> {
    let sql = columns!("WHERE bucket = $1 AND key = $2 AND version_id = $3");
    tx.fetch_optional(sql, args![bucket, key.as_bytes(), version_id]).await?.as_ref().map(read).transpose()
}

/// Adds a version as it is.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO s3_version (bucket, key, age, version_id, latest, marker, size, etag, modified,
               storage_class, checksum_algorithm, checksum_type, checksum, attributes, tags, blob, parts, content)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    let arguments = args![
        &row.bucket,
        row.key.as_bytes(),
        row.age,
        &row.version_id,
        row.latest,
        row.marker,
        row.size,
        &row.etag,
        row.modified,
        &row.storage_class,
        row.checksum_algorithm.clone(),
        row.checksum_type.clone(),
        row.checksum.clone(),
        row.attributes.to_string(),
        serde_json::to_string(&row.tags).unwrap_or_default(),
        row.blob.clone(),
        row.parts.clone(),
        row.content.clone(),
    ];
    tx.execute(sql, arguments).await.map(|_| ())
}

/// Removes one version.
pub async fn delete(tx: &mut Tx, bucket: &str, key: &str, age: i64) -> Result<(), Error> {
    let sql = "DELETE FROM s3_version WHERE bucket = $1 AND key = $2 AND age = $3";
    tx.execute(sql, args![bucket, key.as_bytes(), age]).await.map(|_| ())
}

/// Says whether a version is the latest of its key.
pub async fn set_latest(tx: &mut Tx, bucket: &str, key: &str, age: i64, latest: bool) -> Result<(), Error> {
    let sql = "UPDATE s3_version SET latest = $4 WHERE bucket = $1 AND key = $2 AND age = $3";
    tx.execute(sql, args![bucket, key.as_bytes(), age, latest]).await.map(|_| ())
}

/// Replaces the tags of a version.
pub async fn set_tags(tx: &mut Tx, row: &Row, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE s3_version SET tags = $4 WHERE bucket = $1 AND key = $2 AND age = $3";
    let tags = serde_json::to_string(tags).unwrap_or_default();
    tx.execute(sql, args![&row.bucket, row.key.as_bytes(), row.age, tags]).await.map(|_| ())
}

/// Whether the bucket holds any version at all.
pub async fn any(tx: &mut Tx, bucket: &str) -> Result<bool, Error> {
    let sql = "SELECT age FROM s3_version WHERE bucket = $1 LIMIT 1";
    Ok(tx.fetch_optional(sql, args![bucket]).await?.is_some())
}

/// Where a walk over keys begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first key that may be given.
    pub from: Vec<u8>,
    /// The first key that may not; `None` = to the end of the bucket.
    pub to: Option<Vec<u8>>,
}

/// Current objects (no markers, no old versions) by key.
pub async fn current(tx: &mut Tx, bucket: &str, span: &Span, limit: i64) -> Result<Vec<Listed>, Error> {
    let rows = match &span.to {
        Some(to) => {
            let sql = listed!(
                "WHERE bucket = $1 AND key >= $2 AND key < $3 AND latest = 1 AND marker = 0 ORDER BY key LIMIT $4"
            );
            tx.fetch_all(sql, args![bucket, span.from.as_slice(), to.as_slice(), limit]).await?
        }
        None => {
            let sql = listed!("WHERE bucket = $1 AND key >= $2 AND latest = 1 AND marker = 0 ORDER BY key LIMIT $3");
            tx.fetch_all(sql, args![bucket, span.from.as_slice(), limit]).await?
        }
    };
    rows.iter().map(read_listed).collect()
}

/// All versions by key, newest first, in `span`; at the key `span.from` only those older than `older_than`.
pub async fn versions(
    tx: &mut Tx,
    bucket: &str,
    span: &Span,
    older_than: i64,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    let rows = match &span.to {
        Some(to) => {
            let sql = listed!("WHERE bucket = $1 AND (key, age) > ($2, $3) AND key < $4 ORDER BY key, age LIMIT $5");
            tx.fetch_all(sql, args![bucket, span.from.as_slice(), older_than, to.as_slice(), limit]).await?
        }
        None => {
            let sql = listed!("WHERE bucket = $1 AND (key, age) > ($2, $3) ORDER BY key, age LIMIT $4");
            tx.fetch_all(sql, args![bucket, span.from.as_slice(), older_than, limit]).await?
        }
    };
    rows.iter().map(read_listed).collect()
}

/// Whether a version has this blob as its content.
pub async fn names_blob(tx: &mut Tx, blob: &str) -> Result<bool, Error> {
    let sql = "SELECT age FROM s3_version WHERE blob = $1 AND blob IS NOT NULL LIMIT 1";
    Ok(tx.fetch_optional(sql, args![blob]).await?.is_some())
}

/// Whether any row at all has a blob as its content.
pub async fn any_blob(tx: &mut Tx) -> Result<bool, Error> {
    let sql = "SELECT age FROM s3_version WHERE blob IS NOT NULL LIMIT 1";
    Ok(tx.fetch_optional(sql, &[]).await?.is_some())
}
