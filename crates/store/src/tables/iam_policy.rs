//! Managed policies and their versions.

use base::{Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A managed policy of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub account: String,
    pub name: String,
    pub id: String,
    pub path: String,
    pub description: Option<String>,
    pub default_version: i64,
    /// The highest number that any version ever had; numbers are not used twice.
    pub last_version: i64,
    pub tags: Tags,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// One version of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub version: i64,
    pub document: String,
    pub created: Timestamp,
}

const COLUMNS: &str = "account, name, id, path, description, default_version, last_version, tags, created, updated";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        account: r.text(0)?,
        name: r.text(1)?,
        id: r.text(2)?,
        path: r.text(3)?,
        description: r.opt_text(4)?,
        default_version: r.int(5)?,
        last_version: r.int(6)?,
        tags: r.json(7)?,
        created: r.time(8)?,
        updated: r.time(9)?,
    })
}

/// Adds a policy; `Error::Duplicate` when the name is taken.
pub async fn insert(tx: &mut Tx, policy: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO iam_policy (account, folded, name, id, path, description, default_version, last_version, \
               tags, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let args = args![
        &policy.account,
        policy.name.to_ascii_lowercase(),
        &policy.name,
        &policy.id,
        &policy.path,
        policy.description.clone(),
        policy.default_version,
        policy.last_version,
        super::json(&policy.tags),
        policy.created,
        policy.updated,
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// The policy of this name.
pub async fn get(tx: &mut Tx, account: &str, name: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM iam_policy WHERE account = $1 AND folded = $2"));
    tx.fetch_optional(sql, args![account, name.to_ascii_lowercase()]).await?.as_ref().map(row).transpose()
}

/// The policy of this id.
pub async fn get_by_id(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM iam_policy WHERE id = $1"));
    tx.fetch_optional(sql, args![id]).await?.as_ref().map(row).transpose()
}

/// Policies whose path begins with `path_prefix`, by name, after `after`.
pub async fn list(tx: &mut Tx, account: &str, path_prefix: &str, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM iam_policy WHERE account = $1 AND folded > $2 AND substr(path, 1, length($3)) = $3 \
         ORDER BY folded LIMIT $4"
    ));
    tx.fetch_all(sql, args![account, after.to_ascii_lowercase(), path_prefix, limit]).await?.iter().map(row).collect()
}

/// Writes what may change of a policy.
pub async fn update(tx: &mut Tx, policy: &Row) -> Result<(), Error> {
    let sql = "UPDATE iam_policy SET default_version = $1, last_version = $2, tags = $3, updated = $4 WHERE id = $5";
    let args =
        args![policy.default_version, policy.last_version, super::json(&policy.tags), policy.updated, &policy.id,];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes a policy with all its versions.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM iam_policy_version WHERE policy = $1", args![id]).await?;
    tx.execute("DELETE FROM iam_policy WHERE id = $1", args![id]).await.map(|_| ())
}

/// Adds a version.
pub async fn insert_version(tx: &mut Tx, policy: &str, version: &Version) -> Result<(), Error> {
    let sql = "INSERT INTO iam_policy_version (policy, version, document, created) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![policy, version.version, &version.document, version.created]).await.map(|_| ())
}

/// The versions of a policy, newest first.
pub async fn list_versions(tx: &mut Tx, policy: &str) -> Result<Vec<Version>, Error> {
    let sql = "SELECT version, document, created FROM iam_policy_version WHERE policy = $1 ORDER BY version DESC";
    let rows = tx.fetch_all(sql, args![policy]).await?;
    rows.iter().map(|r| Ok(Version { version: r.int(0)?, document: r.text(1)?, created: r.time(2)? })).collect()
}

/// Removes a version.
pub async fn delete_version(tx: &mut Tx, policy: &str, version: i64) -> Result<(), Error> {
    let sql = "DELETE FROM iam_policy_version WHERE policy = $1 AND version = $2";
    tx.execute(sql, args![policy, version]).await.map(|_| ())
}
