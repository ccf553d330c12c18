//! Report groups.

use base::{Scope, Timestamp};
use serde_json::Value;

use crate::{Error, SqlRow, Tx, args};

/// A stored group.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    /// `TEST` or `CODE_COVERAGE`.
    pub kind: String,
    /// `ReportExportConfig` in canonical JSON.
    pub export: Value,
    /// A list of keys and values.
    pub tags: Value,
    pub created: Timestamp,
    pub modified: Timestamp,
}

const COLUMNS: &str = "name, kind, export, tags, created, modified";

/// Adds a group. A taken name is `Error::Duplicate`.
pub async fn insert(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    kind: &str,
    export: &Value,
    tags: &Value,
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO codebuild_report_group (account, region, name, kind, export, tags, created, modified)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        args![scope.account.as_str(), scope.region.as_str(), name, kind, export.to_string(), tags.to_string(), now],
    )
    .await?;
    Ok(())
}

/// The group of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT name, kind, export, tags, created, modified FROM codebuild_report_group
               WHERE account = $1 AND region = $2 AND name = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.as_ref().map(read).transpose()
}

/// All groups of a scope, by name.
pub async fn list(tx: &mut Tx, scope: &Scope) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM codebuild_report_group WHERE account = $1 AND region = $2 ORDER BY name"
    ));
    tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str()]).await?.iter().map(read).collect()
}

/// Changes a group; false when it does not exist.
pub async fn update(tx: &mut Tx, scope: &Scope, name: &str, export: &Value, tags: &Value) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE codebuild_report_group SET export = $4, tags = $5, modified = $6
             WHERE account = $1 AND region = $2 AND name = $3",
            args![scope.account.as_str(), scope.region.as_str(), name, export.to_string(), tags.to_string(), now],
        )
        .await?;
    Ok(changed == 1)
}

/// Removes a group; its reports stay.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM codebuild_report_group WHERE account = $1 AND region = $2 AND name = $3",
        args![scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        name: row.text(0)?,
        kind: row.text(1)?,
        export: row.json(2)?,
        tags: row.json(3)?,
        created: row.time(4)?,
        modified: row.time(5)?,
    })
}
