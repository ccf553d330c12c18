//! Versions of secrets: the values, sealed.

use base::Timestamp;

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A version.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: String,
    /// `string` or `binary`.
    pub kind: String,
    pub value: Vec<u8>,
    pub stages: Vec<String>,
    pub created: Timestamp,
    /// The day on which it was read last.
    pub accessed: Option<Timestamp>,
}

const COLUMNS: &str = "id, kind, value, stages, created, accessed";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        id: r.text(0)?,
        kind: r.text(1)?,
        value: r.blob(2)?,
        stages: r.json(3)?,
        created: r.time(4)?,
        accessed: r.opt_time(5)?,
    })
}

/// Adds a version.
pub async fn insert(tx: &mut Tx, secret: &str, new: &Row) -> Result<(), Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "INSERT INTO secretsmanager_version (secret, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
    ));
    let args =
        args![secret, &new.id, &new.kind, new.value.clone(), super::json_list(&new.stages), new.created, new.accessed,];
    tx.execute(sql, args).await.map(|_| ())
}

/// All versions of a secret (a hundred and a few at most), oldest first.
pub async fn list(tx: &mut Tx, secret: &str) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM secretsmanager_version WHERE secret = $1 ORDER BY created, id"
    ));
    tx.fetch_all(sql, args![secret]).await?.iter().map(row).collect()
}

/// Replaces a version's stages.
pub async fn set_stages(tx: &mut Tx, secret: &str, id: &str, stages: &[String]) -> Result<(), Error> {
    let sql = "UPDATE secretsmanager_version SET stages = $1 WHERE secret = $2 AND id = $3";
    tx.execute(sql, args![super::json_list(stages), secret, id]).await.map(|_| ())
}

/// Notes the day of a read.
pub async fn set_accessed(tx: &mut Tx, secret: &str, id: &str, day: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE secretsmanager_version SET accessed = $1 WHERE secret = $2 AND id = $3";
    tx.execute(sql, args![day, secret, id]).await.map(|_| ())
}

/// Removes one version.
pub async fn delete(tx: &mut Tx, secret: &str, id: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM secretsmanager_version WHERE secret = $1 AND id = $2", args![secret, id]).await.map(|_| ())
}
