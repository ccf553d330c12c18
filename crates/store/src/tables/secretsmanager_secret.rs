//! Secrets of Secrets Manager; their values are in `secretsmanager_version`.

use base::{Scope, Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A secret without its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub arn: String,
    pub name: String,
    pub description: Option<String>,
    pub kms_key: Option<String>,
    pub tags: Tags,
    pub created: Timestamp,
    pub changed: Timestamp,
    /// The day on which its value was read last.
    pub accessed: Option<Timestamp>,
    /// When it was deleted, if it waits for its end.
    pub deleted: Option<Timestamp>,
    /// When it is gone for good, if it was deleted.
    pub ends: Option<Timestamp>,
}

const COLUMNS: &str = "arn, name, description, kms_key, tags, created, changed, accessed, deleted, ends";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        arn: r.text(0)?,
        name: r.text(1)?,
        description: r.opt_text(2)?,
        kms_key: r.opt_text(3)?,
        tags: r.json(4)?,
        created: r.time(5)?,
        changed: r.time(6)?,
        accessed: r.opt_time(7)?,
        deleted: r.opt_time(8)?,
        ends: r.opt_time(9)?,
    })
}

/// Adds a secret; gives whether the name was free.
pub async fn insert(tx: &mut Tx, scope: &Scope, new: &Row) -> Result<bool, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "INSERT INTO secretsmanager_secret (account, region, {COLUMNS}) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (account, region, name) DO NOTHING"
    ));
    let args = args![
        scope.account.as_str(),
        scope.region.as_str(),
        &new.arn,
        &new.name,
        new.description.clone(),
        new.kms_key.clone(),
        super::json(&new.tags),
        new.created,
        new.changed,
        new.accessed,
        new.deleted,
        new.ends,
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// The secret of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM secretsmanager_secret WHERE account = $1 AND region = $2 AND name = $3"
    ));
    let found = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    found.as_ref().map(row).transpose()
}

/// The secret of this whole ARN.
pub async fn get_by_arn(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM secretsmanager_secret WHERE arn = $1 AND account = $2 AND region = $3"
    ));
    let found = tx.fetch_optional(sql, args![arn, scope.account.as_str(), scope.region.as_str()]).await?;
    found.as_ref().map(row).transpose()
}

/// Secrets by name, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM secretsmanager_secret WHERE account = $1 AND region = $2 AND name > $3 \
         ORDER BY name LIMIT $4"
    ));
    let args = args![scope.account.as_str(), scope.region.as_str(), after, limit];
    tx.fetch_all(sql, args).await?.iter().map(row).collect()
}

/// Writes everything but ARN, name and creation.
pub async fn update(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "UPDATE secretsmanager_secret SET description = $1, kms_key = $2, tags = $3, changed = $4, \
               accessed = $5, deleted = $6, ends = $7 WHERE arn = $8";
    let args = args![
        row.description.clone(),
        row.kms_key.clone(),
        super::json(&row.tags),
        row.changed,
        row.accessed,
        row.deleted,
        row.ends,
        &row.arn,
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes a secret with all its versions.
pub async fn delete(tx: &mut Tx, arn: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM secretsmanager_version WHERE secret = $1", args![arn]).await?;
    tx.execute("DELETE FROM secretsmanager_secret WHERE arn = $1", args![arn]).await.map(|_| ())
}

/// Removes secrets, in all accounts, whose time to be restored is over; gives how many.
pub async fn delete_ended(tx: &mut Tx, now: Timestamp) -> Result<usize, Error> {
    let rows = tx.fetch_all("SELECT arn FROM secretsmanager_secret WHERE ends <= $1", args![now]).await?;
    for row in &rows {
        delete(tx, &row.text(0)?).await?;
    }
    Ok(rows.len())
}
