//! IAM users.

use base::{Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub account: String,
    pub name: String,
    pub id: String,
    pub path: String,
    pub boundary: Option<String>,
    pub tags: Tags,
    pub created: Timestamp,
}

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        account: r.text(0)?,
        name: r.text(1)?,
        id: r.text(2)?,
        path: r.text(3)?,
        boundary: r.opt_text(4)?,
        tags: r.json(5)?,
        created: r.time(6)?,
    })
}

/// Adds a user; `Error::Duplicate` when the name is taken.
pub async fn insert(tx: &mut Tx, user: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO iam_user (account, folded, name, id, path, boundary, tags, created) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Row { account, name, id, path, boundary, tags, created } = user;
    let (folded, tags) = (name.to_ascii_lowercase(), super::json(tags));
    tx.execute(sql, args![account, folded, name, id, path, boundary.clone(), tags, *created]).await.map(|_| ())
}

/// The user of this name.
pub async fn get(tx: &mut Tx, account: &str, name: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT account, name, id, path, boundary, tags, created FROM iam_user \
               WHERE account = $1 AND folded = $2";
    tx.fetch_optional(sql, args![account, name.to_ascii_lowercase()]).await?.as_ref().map(row).transpose()
}

/// The user of this id.
pub async fn get_by_id(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT account, name, id, path, boundary, tags, created FROM iam_user WHERE id = $1";
    tx.fetch_optional(sql, args![id]).await?.as_ref().map(row).transpose()
}

/// Users whose path begins with `path_prefix`, by name, after `after`.
pub async fn list(tx: &mut Tx, account: &str, path_prefix: &str, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = "SELECT account, name, id, path, boundary, tags, created FROM iam_user \
               WHERE account = $1 AND folded > $2 AND substr(path, 1, length($3)) = $3 ORDER BY folded LIMIT $4";
    let rows = tx.fetch_all(sql, args![account, after.to_ascii_lowercase(), path_prefix, limit]).await?;
    rows.iter().map(row).collect()
}

/// Writes everything of a user but its id; `Error::Duplicate` when a new name is taken.
pub async fn update(tx: &mut Tx, user: &Row) -> Result<(), Error> {
    let sql = "UPDATE iam_user SET folded = $1, name = $2, path = $3, boundary = $4, tags = $5 WHERE id = $6";
    let Row { name, id, path, boundary, tags, .. } = user;
    let (folded, tags) = (name.to_ascii_lowercase(), super::json(tags));
    tx.execute(sql, args![folded, name, path, boundary.clone(), tags, id]).await.map(|_| ())
}

/// Removes a user.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM iam_user WHERE id = $1", args![id]).await.map(|_| ())
}
