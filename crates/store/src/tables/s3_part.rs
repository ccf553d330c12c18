//! Parts of multipart uploads, and of the objects that came out of them.

use base::Timestamp;

use crate::args;
use crate::error::Error;
use crate::sql::SqlRow;
use crate::tx::Tx;

/// A part.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub upload: String,
    pub number: i64,
    pub size: i64,
    /// Hexadecimal; the part's ETag without quotes.
    pub md5: String,
    pub modified: Timestamp,
    /// Base64, by the upload's algorithm.
    pub checksum: Option<String>,
    pub blob: Option<String>,
    pub content: Option<Vec<u8>>,
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        upload: row.text(0)?,
        number: row.int(1)?,
        size: row.int(2)?,
        md5: row.text(3)?,
        modified: row.time(4)?,
        checksum: row.opt_text(5)?,
        blob: row.opt_text(6)?,
        content: row.opt_blob(7)?,
    })
}

/// Adds a part, or replaces the one with its number; the one that was replaced is given back.
pub async fn put(tx: &mut Tx, row: &Row) -> Result<Option<Row>, Error> {
    let sql = "SELECT upload, number, size, md5, modified, checksum, blob, content FROM s3_part
               WHERE upload = $1 AND number = $2";
    let old = tx.fetch_optional(sql, args![&row.upload, row.number]).await?.as_ref().map(read).transpose()?;
    let sql = "INSERT INTO s3_part (upload, number, size, md5, modified, checksum, blob, content)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (upload, number) DO UPDATE SET size = excluded.size, md5 = excluded.md5,
               modified = excluded.modified, checksum = excluded.checksum, blob = excluded.blob,
               content = excluded.content";
    let arguments = args![
        &row.upload,
        row.number,
        row.size,
        &row.md5,
        row.modified,
        row.checksum.clone(),
        row.blob.clone(),
        row.content.clone(),
    ];
    tx.execute(sql, arguments).await?;
    Ok(old)
}

/// Parts by number, after `after`.
pub async fn list(tx: &mut Tx, upload: &str, after: i64, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = "SELECT upload, number, size, md5, modified, checksum, blob, content FROM s3_part
               WHERE upload = $1 AND number > $2 ORDER BY number LIMIT $3";
    tx.fetch_all(sql, args![upload, after, limit]).await?.iter().map(read).collect()
}

/// All parts by number.
pub async fn all(tx: &mut Tx, upload: &str) -> Result<Vec<Row>, Error> {
    list(tx, upload, 0, i64::from(u32::MAX)).await
}

/// Removes one part.
pub async fn delete(tx: &mut Tx, upload: &str, number: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM s3_part WHERE upload = $1 AND number = $2", args![upload, number]).await.map(|_| ())
}

/// Removes all parts.
pub async fn delete_all(tx: &mut Tx, upload: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM s3_part WHERE upload = $1", args![upload]).await.map(|_| ())
}

/// Whether a part has this blob as its content.
pub async fn names_blob(tx: &mut Tx, blob: &str) -> Result<bool, Error> {
    let sql = "SELECT number FROM s3_part WHERE blob = $1 AND blob IS NOT NULL LIMIT 1";
    Ok(tx.fetch_optional(sql, args![blob]).await?.is_some())
}

/// Whether any row at all has a blob as its content.
pub async fn any_blob(tx: &mut Tx) -> Result<bool, Error> {
    let sql = "SELECT number FROM s3_part WHERE blob IS NOT NULL LIMIT 1";
    Ok(tx.fetch_optional(sql, &[]).await?.is_some())
}
