//! Parameters of Parameter Store: their names, newest versions and tags.

use base::{Scope, Tags};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    /// The newest.
    pub version: i64,
    pub tags: Tags,
}

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row { name: r.text(0)?, version: r.int(1)?, tags: r.json(2)? })
}

/// Adds a parameter; gives whether the name was free.
pub async fn insert(tx: &mut Tx, scope: &Scope, new: &Row) -> Result<bool, Error> {
    let sql = "INSERT INTO ssm_parameter (account, region, name, version, tags) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (account, region, name) DO NOTHING";
    let args = args![scope.account.as_str(), scope.region.as_str(), &new.name, new.version, super::json(&new.tags)];
    Ok(tx.execute(sql, args).await? == 1)
}

/// The parameter of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT name, version, tags FROM ssm_parameter WHERE account = $1 AND region = $2 AND name = $3";
    let found = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    found.as_ref().map(row).transpose()
}

/// Parameters whose names begin with `prefix`, by name, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, prefix: &str, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = "SELECT name, version, tags FROM ssm_parameter WHERE account = $1 AND region = $2 AND name > $3 \
               AND substr(name, 1, length($4)) = $4 ORDER BY name LIMIT $5";
    let args = args![scope.account.as_str(), scope.region.as_str(), after, prefix, limit];
    tx.fetch_all(sql, args).await?.iter().map(row).collect()
}

/// Sets which version is the newest.
pub async fn set_version(tx: &mut Tx, scope: &Scope, name: &str, version: i64) -> Result<(), Error> {
    let sql = "UPDATE ssm_parameter SET version = $1 WHERE account = $2 AND region = $3 AND name = $4";
    tx.execute(sql, args![version, scope.account.as_str(), scope.region.as_str(), name]).await.map(|_| ())
}

/// Replaces the tags.
pub async fn set_tags(tx: &mut Tx, scope: &Scope, name: &str, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE ssm_parameter SET tags = $1 WHERE account = $2 AND region = $3 AND name = $4";
    let args = args![super::json(tags), scope.account.as_str(), scope.region.as_str(), name];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes a parameter with all its versions; gives whether there was one.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<bool, Error> {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let versions = "DELETE FROM ssm_version WHERE account = $1 AND region = $2 AND name = $3";
    tx.execute(versions, args![account, region, name]).await?;
    let sql = "DELETE FROM ssm_parameter WHERE account = $1 AND region = $2 AND name = $3";
    Ok(tx.execute(sql, args![account, region, name]).await? == 1)
}
