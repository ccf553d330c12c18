//! Versions of parameters.

use base::{Scope, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A version with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub version: i64,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Of a SecureString sealed, else the text itself.
    pub value: Vec<u8>,
    pub description: Option<String>,
    pub allowed_pattern: Option<String>,
    pub key_id: Option<String>,
    pub tier: String,
    pub data_type: String,
    pub labels: Vec<String>,
    pub modified: Timestamp,
    pub modified_by: String,
}

const COLUMNS: &str = "name, version, kind, value, description, allowed_pattern, key_id, tier, data_type, labels, \
    modified, modified_by";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        name: r.text(0)?,
        version: r.int(1)?,
        kind: r.text(2)?,
        value: r.blob(3)?,
        description: r.opt_text(4)?,
        allowed_pattern: r.opt_text(5)?,
        key_id: r.opt_text(6)?,
        tier: r.text(7)?,
        data_type: r.text(8)?,
        labels: r.json(9)?,
        modified: r.time(10)?,
        modified_by: r.text(11)?,
    })
}

/// Adds a version.
pub async fn insert(tx: &mut Tx, scope: &Scope, new: &Row) -> Result<(), Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "INSERT INTO ssm_version (account, region, {COLUMNS}) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    ));
    let args = args![
        scope.account.as_str(),
        scope.region.as_str(),
        &new.name,
        new.version,
        &new.kind,
        new.value.clone(),
        new.description.clone(),
        new.allowed_pattern.clone(),
        new.key_id.clone(),
        &new.tier,
        &new.data_type,
        super::json_list(&new.labels),
        new.modified,
        &new.modified_by,
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// One version.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str, version: i64) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM ssm_version WHERE account = $1 AND region = $2 AND name = $3 AND version = $4"
    ));
    let args = args![scope.account.as_str(), scope.region.as_str(), name, version];
    tx.fetch_optional(sql, args).await?.as_ref().map(row).transpose()
}

/// All versions, at most a hundred, oldest first.
pub async fn list(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM ssm_version WHERE account = $1 AND region = $2 AND name = $3 ORDER BY version"
    ));
    let args = args![scope.account.as_str(), scope.region.as_str(), name];
    tx.fetch_all(sql, args).await?.iter().map(row).collect()
}

/// Replaces a version's labels.
pub async fn set_labels(tx: &mut Tx, scope: &Scope, name: &str, version: i64, labels: &[String]) -> Result<(), Error> {
    let sql = "UPDATE ssm_version SET labels = $1 WHERE account = $2 AND region = $3 AND name = $4 AND version = $5";
    let args = args![super::json_list(labels), scope.account.as_str(), scope.region.as_str(), name, version];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes one version.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str, version: i64) -> Result<(), Error> {
    let sql = "DELETE FROM ssm_version WHERE account = $1 AND region = $2 AND name = $3 AND version = $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), name, version];
    tx.execute(sql, args).await.map(|_| ())
}
