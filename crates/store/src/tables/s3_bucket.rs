//! Buckets: one row each, names unique in the installation.

use base::{Scope, Tags, Timestamp};

use crate::args;
use crate::error::Error;
use crate::machine;
use crate::sql::SqlRow;
use crate::tx::{Dialect, Tx};

/// A bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub scope: Scope,
    /// Empty (never set), `Enabled` or `Suspended`.
    pub versioning: String,
    pub tags: Tags,
    pub created: Timestamp,
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        name: row.text(0)?,
        scope: machine::scope(row.text(1)?, row.text(2)?)?,
        versioning: row.text(3)?,
        tags: row.json(4)?,
        created: row.time(5)?,
    })
}

/// Adds a bucket; false when the name is taken.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<bool, Error> {
    let tags = serde_json::to_string(&row.tags).unwrap_or_default();
    let sql = "INSERT INTO s3_bucket (name, account, region, versioning, tags, created)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING";
    let (account, region) = (row.scope.account.as_str(), row.scope.region.as_str());
    Ok(tx.execute(sql, args![&row.name, account, region, &row.versioning, tags, row.created]).await? == 1)
}

/// The bucket of that name, whoever owns it.
pub async fn get(tx: &mut Tx, name: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT name, account, region, versioning, tags, created FROM s3_bucket WHERE name = $1";
    tx.fetch_optional(sql, args![name]).await?.as_ref().map(read).transpose()
}

/// As `get`; the row stays as it is until the transaction ends. SQLite has one writer at a time anyway.
pub async fn get_shared(tx: &mut Tx, name: &str) -> Result<Option<Row>, Error> {
    if tx.dialect() == Dialect::Postgres {
        tx.fetch_optional("SELECT name FROM s3_bucket WHERE name = $1 FOR SHARE", args![name]).await?;
    }
    get(tx, name).await
}

/// As `get`; nobody else holds the row with `get_shared` until the transaction ends.
pub async fn get_exclusive(tx: &mut Tx, name: &str) -> Result<Option<Row>, Error> {
    if tx.dialect() == Dialect::Postgres {
        tx.fetch_optional("SELECT name FROM s3_bucket WHERE name = $1 FOR UPDATE", args![name]).await?;
    }
    get(tx, name).await
}

/// An account's buckets in all regions, by name, after `after`.
pub async fn list(tx: &mut Tx, account: &str, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = "SELECT name, account, region, versioning, tags, created FROM s3_bucket
               WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3";
    tx.fetch_all(sql, args![account, after, limit]).await?.iter().map(read).collect()
}

/// Sets the versioning state.
pub async fn set_versioning(tx: &mut Tx, name: &str, versioning: &str) -> Result<(), Error> {
    tx.execute("UPDATE s3_bucket SET versioning = $2 WHERE name = $1", args![name, versioning]).await.map(|_| ())
}

/// Replaces the tags.
pub async fn set_tags(tx: &mut Tx, name: &str, tags: &Tags) -> Result<(), Error> {
    let tags = serde_json::to_string(tags).unwrap_or_default();
    tx.execute("UPDATE s3_bucket SET tags = $2 WHERE name = $1", args![name, tags]).await.map(|_| ())
}

/// Removes the row. The caller has made sure that nothing is left in the bucket.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM s3_bucket WHERE name = $1", args![name]).await.map(|_| ())
}
