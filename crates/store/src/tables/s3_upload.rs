//! Multipart uploads that are neither completed nor aborted.

use base::{Tags, Timestamp};
use serde_json::Value;

use crate::args;
use crate::error::Error;
use crate::sql::SqlRow;
use crate::tx::{Dialect, Tx};

/// An upload under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: String,
    pub bucket: String,
    pub key: String,
    /// The ARN of who began it.
    pub initiator: String,
    pub initiated: Timestamp,
    pub storage_class: String,
    pub checksum_algorithm: Option<String>,
    pub checksum_type: Option<String>,
    /// As in `s3_version`.
    pub attributes: Value,
    pub tags: Tags,
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    let key = String::from_utf8(row.blob(2)?);
    Ok(Row {
        id: row.text(0)?,
        bucket: row.text(1)?,
        key: key.map_err(|e| Error::Corrupt { column: "key".to_owned(), source: Box::new(e) })?,
        initiator: row.text(3)?,
        initiated: row.time(4)?,
        storage_class: row.text(5)?,
        checksum_algorithm: row.opt_text(6)?,
        checksum_type: row.opt_text(7)?,
        attributes: row.json(8)?,
        tags: row.json(9)?,
    })
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, bucket, key, initiator, initiated, storage_class, checksum_algorithm, checksum_type, \
             attributes, tags FROM s3_upload ",
            $rest
        )
    };
}

/// Keeps others from changing this upload or its parts until the transaction ends. SQLite has one writer at a time
/// anyway.
pub async fn lock(tx: &mut Tx, id: &str) -> Result<(), Error> {
    if tx.dialect() == Dialect::Postgres {
        tx.fetch_optional("SELECT id FROM s3_upload WHERE id = $1 FOR UPDATE", args![id]).await?;
    }
    Ok(())
}

/// Adds an upload.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO s3_upload (id, bucket, key, initiator, initiated, storage_class, checksum_algorithm,
               checksum_type, attributes, tags) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let arguments = args![
        &row.id,
        &row.bucket,
        row.key.as_bytes(),
        &row.initiator,
        row.initiated,
        &row.storage_class,
        row.checksum_algorithm.clone(),
        row.checksum_type.clone(),
        row.attributes.to_string(),
        serde_json::to_string(&row.tags).unwrap_or_default(),
    ];
    tx.execute(sql, arguments).await.map(|_| ())
}

/// The upload with this id.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    tx.fetch_optional(columns!("WHERE id = $1"), args![id]).await?.as_ref().map(read).transpose()
}

/// Removes the row; false when it was gone.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM s3_upload WHERE id = $1", args![id]).await? == 1)
}

/// A bucket's uploads by key and time, from the key `from` on.
pub async fn list(tx: &mut Tx, bucket: &str, from: &[u8], limit: i64) -> Result<Vec<Row>, Error> {
    let sql = columns!("WHERE bucket = $1 AND key >= $2 ORDER BY key, initiated, id LIMIT $3");
    tx.fetch_all(sql, args![bucket, from, limit]).await?.iter().map(read).collect()
}
