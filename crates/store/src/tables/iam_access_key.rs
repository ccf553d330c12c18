//! Long-lived access keys of users and roots.

use base::{Secret, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: String,
    pub account: String,
    /// A user's id, or the account's number for its root.
    pub owner: String,
    pub secret: Secret<String>,
    /// `Active` or `Inactive`.
    pub status: String,
    pub created: Timestamp,
    pub last_used: Option<LastUse>,
}

/// When and for what a key was used last; kept to a few minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct LastUse {
    pub at: Timestamp,
    pub service: String,
    pub region: String,
}

const COLUMNS: &str = "id, account, owner, secret, status, created, last_used, last_service, last_region";

fn row(r: &SqlRow) -> Result<Row, Error> {
    let last_used = match (r.opt_time(6)?, r.opt_text(7)?, r.opt_text(8)?) {
        (Some(at), Some(service), Some(region)) => Some(LastUse { at, service, region }),
        _ => None,
    };
    Ok(Row {
        id: r.text(0)?,
        account: r.text(1)?,
        owner: r.text(2)?,
        secret: Secret::new(r.text(3)?),
        status: r.text(4)?,
        created: r.time(5)?,
        last_used,
    })
}

/// Adds a key that was never used.
pub async fn insert(tx: &mut Tx, key: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO iam_access_key (id, account, owner, secret, status, created) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let Row { id, account, owner, secret, status, created, .. } = key;
    tx.execute(sql, args![id, account, owner, secret.expose(), status, *created]).await.map(|_| ())
}

/// The key of this id.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM iam_access_key WHERE id = $1"));
    tx.fetch_optional(sql, args![id]).await?.as_ref().map(row).transpose()
}

/// The keys of an owner, oldest id first.
pub async fn list(tx: &mut Tx, account: &str, owner: &str) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM iam_access_key WHERE account = $1 AND owner = $2 ORDER BY created, id"
    ));
    tx.fetch_all(sql, args![account, owner]).await?.iter().map(row).collect()
}

/// Sets a key's status; gives whether the owner has such a key.
pub async fn set_status(tx: &mut Tx, account: &str, owner: &str, id: &str, status: &str) -> Result<bool, Error> {
    let sql = "UPDATE iam_access_key SET status = $1 WHERE id = $2 AND account = $3 AND owner = $4";
    Ok(tx.execute(sql, args![status, id, account, owner]).await? == 1)
}

/// Notes a use.
pub async fn set_last_use(tx: &mut Tx, id: &str, last: &LastUse) -> Result<(), Error> {
    let sql = "UPDATE iam_access_key SET last_used = $1, last_service = $2, last_region = $3 WHERE id = $4";
    tx.execute(sql, args![last.at, &last.service, &last.region, id]).await.map(|_| ())
}

/// Removes a key; gives whether the owner had it.
pub async fn delete(tx: &mut Tx, account: &str, owner: &str, id: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM iam_access_key WHERE id = $1 AND account = $2 AND owner = $3";
    Ok(tx.execute(sql, args![id, account, owner]).await? == 1)
}
