//! Pipelines: their newest version and tags.

use base::{Scope, Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    /// Of the newest declaration.
    pub version: u32,
    pub tags: Tags,
    pub created: Timestamp,
    pub updated: Timestamp,
}

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        name: r.text(0)?,
        version: u32::try_from(r.int(1)?).unwrap_or(u32::MAX),
        tags: r.json(2)?,
        created: r.time(3)?,
        updated: r.time(4)?,
    })
}

/// Adds a pipeline; `Error::Duplicate` when the name is taken. `parent` is the pipeline that has made it, or empty.
pub async fn insert(tx: &mut Tx, scope: &Scope, pipeline: &Row, parent: &str) -> Result<(), Error> {
    let sql = "INSERT INTO codepipeline_pipeline (account, region, name, version, tags, created, updated, parent)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let args = args![
        scope.account.as_str(),
        scope.region.as_str(),
        &pipeline.name,
        pipeline.version,
        super::json(&pipeline.tags),
        pipeline.created,
        pipeline.updated,
        parent,
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// The pipeline of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT name, version, tags, created, updated FROM codepipeline_pipeline
               WHERE account = $1 AND region = $2 AND name = $3";
    tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name])
        .await?
        .as_ref()
        .map(row)
        .transpose()
}

/// Pipelines by name, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = "SELECT name, version, tags, created, updated FROM codepipeline_pipeline
               WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), after, limit];
    tx.fetch_all(sql, args).await?.iter().map(row).collect()
}

/// How many pipelines `parent` has made; of those that no pipeline has made when it is empty.
pub async fn count(tx: &mut Tx, scope: &Scope, parent: &str) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM codepipeline_pipeline WHERE account = $1 AND region = $2 AND parent = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), parent]).await?;
    row.map_or(Ok(0), |r| r.int(0))
}

/// The names of the pipelines that `parent` has made.
pub async fn made_by(tx: &mut Tx, scope: &Scope, parent: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT name FROM codepipeline_pipeline WHERE account = $1 AND region = $2 AND parent = $3 ORDER BY name";
    let rows = tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str(), parent]).await?;
    rows.iter().map(|r| r.text(0)).collect()
}

/// Writes a pipeline's newest version.
pub async fn set_version(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    version: u32,
    updated: Timestamp,
) -> Result<(), Error> {
    let sql = "UPDATE codepipeline_pipeline SET version = $4, updated = $5
               WHERE account = $1 AND region = $2 AND name = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), name, version, updated]).await.map(|_| ())
}

/// Writes a pipeline's tags.
pub async fn set_tags(tx: &mut Tx, scope: &Scope, name: &str, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE codepipeline_pipeline SET tags = $4 WHERE account = $1 AND region = $2 AND name = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), name, super::json(tags)]).await.map(|_| ())
}

/// Removes a pipeline.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codepipeline_pipeline WHERE account = $1 AND region = $2 AND name = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await.map(|_| ())
}
