//! IAM roles.

use base::{Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A role.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub account: String,
    pub name: String,
    pub id: String,
    pub path: String,
    pub description: Option<String>,
    /// The trust policy, as it was given.
    pub trust: String,
    pub max_session_seconds: i64,
    pub boundary: Option<String>,
    pub tags: Tags,
    pub created: Timestamp,
    /// When and in which region it was assumed last.
    pub last_used: Option<(Timestamp, String)>,
}

const COLUMNS: &str = "account, name, id, path, description, trust, max_session_seconds, boundary, tags, created, \
                       last_used, last_region";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        account: r.text(0)?,
        name: r.text(1)?,
        id: r.text(2)?,
        path: r.text(3)?,
        description: r.opt_text(4)?,
        trust: r.text(5)?,
        max_session_seconds: r.int(6)?,
        boundary: r.opt_text(7)?,
        tags: r.json(8)?,
        created: r.time(9)?,
        last_used: r.opt_time(10)?.zip(r.opt_text(11)?),
    })
}

/// Adds a role; `Error::Duplicate` when the name is taken.
pub async fn insert(tx: &mut Tx, role: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO iam_role (account, folded, name, id, path, description, trust, max_session_seconds, \
               boundary, tags, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let args = args![
        &role.account,
        role.name.to_ascii_lowercase(),
        &role.name,
        &role.id,
        &role.path,
        role.description.clone(),
        &role.trust,
        role.max_session_seconds,
        role.boundary.clone(),
        super::json(&role.tags),
        role.created,
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// The role of this name.
pub async fn get(tx: &mut Tx, account: &str, name: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM iam_role WHERE account = $1 AND folded = $2"));
    tx.fetch_optional(sql, args![account, name.to_ascii_lowercase()]).await?.as_ref().map(row).transpose()
}

/// The role of this id.
pub async fn get_by_id(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM iam_role WHERE id = $1"));
    tx.fetch_optional(sql, args![id]).await?.as_ref().map(row).transpose()
}

/// Roles whose path begins with `path_prefix`, by name, after `after`.
pub async fn list(tx: &mut Tx, account: &str, path_prefix: &str, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM iam_role WHERE account = $1 AND folded > $2 AND substr(path, 1, length($3)) = $3 \
         ORDER BY folded LIMIT $4"
    ));
    tx.fetch_all(sql, args![account, after.to_ascii_lowercase(), path_prefix, limit]).await?.iter().map(row).collect()
}

/// Writes what may change of a role.
pub async fn update(tx: &mut Tx, role: &Row) -> Result<(), Error> {
    let sql = "UPDATE iam_role SET description = $1, trust = $2, max_session_seconds = $3, boundary = $4, tags = $5 \
               WHERE id = $6";
    let args = args![
        role.description.clone(),
        &role.trust,
        role.max_session_seconds,
        role.boundary.clone(),
        super::json(&role.tags),
        &role.id,
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Notes that a role was assumed.
pub async fn set_last_use(tx: &mut Tx, id: &str, at: Timestamp, region: &str) -> Result<(), Error> {
    let sql = "UPDATE iam_role SET last_used = $1, last_region = $2 WHERE id = $3";
    tx.execute(sql, args![at, region, id]).await.map(|_| ())
}

/// Removes a role.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM iam_role WHERE id = $1", args![id]).await.map(|_| ())
}
