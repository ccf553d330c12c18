//! Fleets: named capacity for builds.

use base::{Scope, Timestamp};

use crate::{Error, SqlRow, Tx, args};

/// A stored fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub arn: String,
    /// Canonical JSON.
    pub config: serde_json::Value,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// Adds a fleet. A taken name is `Error::Duplicate`.
pub async fn insert(tx: &mut Tx, scope: &Scope, name: &str, arn: &str, config: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO codebuild_fleet (account, region, name, arn, config, created, modified)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        args![scope.account.as_str(), scope.region.as_str(), name, arn, config, now],
    )
    .await?;
    Ok(())
}

/// The fleet of this name.
pub async fn by_name(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT name, arn, config, created, modified FROM codebuild_fleet
               WHERE account = $1 AND region = $2 AND name = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.as_ref().map(read).transpose()
}

/// The fleet with this ARN.
pub async fn by_arn(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT name, arn, config, created, modified FROM codebuild_fleet
               WHERE account = $1 AND region = $2 AND arn = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), arn]).await?;
    row.as_ref().map(read).transpose()
}

/// All fleets of a scope, by name.
pub async fn list(tx: &mut Tx, scope: &Scope) -> Result<Vec<Row>, Error> {
    let sql = "SELECT name, arn, config, created, modified FROM codebuild_fleet
               WHERE account = $1 AND region = $2 ORDER BY name";
    tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str()]).await?.iter().map(read).collect()
}

/// Changes a fleet.
pub async fn update(tx: &mut Tx, scope: &Scope, arn: &str, config: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE codebuild_fleet SET config = $4, modified = $5 WHERE account = $1 AND region = $2 AND arn = $3",
        args![scope.account.as_str(), scope.region.as_str(), arn, config, now],
    )
    .await?;
    Ok(())
}

/// Removes a fleet.
pub async fn delete(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codebuild_fleet WHERE account = $1 AND region = $2 AND arn = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), arn]).await?;
    Ok(())
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        name: row.text(0)?,
        arn: row.text(1)?,
        config: row.json(2)?,
        created: row.time(3)?,
        modified: row.time(4)?,
    })
}
