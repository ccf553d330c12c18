//! Action types that accounts have registered.

use base::{Scope, Tags, Timestamp};
use serde::de::DeserializeOwned;

use crate::sql::SqlRow;
use crate::tx::Dialect;
use crate::{Error, Tx, args};

/// A registered action type.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<T> {
    pub definition: T,
    pub tags: Tags,
    pub created: Timestamp,
    pub is_deleted: bool,
}

/// What a type is known by in its account; its owner is always the account.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub category: &'a str,
    pub provider: &'a str,
    pub version: &'a str,
}

/// Adds a type. A key that was ever taken is `Error::Duplicate`.
pub async fn insert(tx: &mut Tx, scope: &Scope, key: Key<'_>, definition: &str, tags: &Tags) -> Result<(), Error> {
    let sql = "INSERT INTO codepipeline_action_type
               (account, region, category, provider, version, definition, tags, created, deleted)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)";
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let now = tx.now();
    let args = args![account, region, key.category, key.provider, key.version, definition, super::json(tags), now];
    tx.execute(sql, args).await.map(|_| ())
}

/// The type under this key, deleted or not.
pub async fn get<T: DeserializeOwned>(tx: &mut Tx, scope: &Scope, key: Key<'_>) -> Result<Option<Row<T>>, Error> {
    let sql = "SELECT definition, tags, created, deleted FROM codepipeline_action_type
               WHERE account = $1 AND region = $2 AND category = $3 AND provider = $4 AND version = $5";
    let args = args![scope.account.as_str(), scope.region.as_str(), key.category, key.provider, key.version];
    tx.fetch_optional(sql, args).await?.as_ref().map(read).transpose()
}

/// As `get`, and keeps other transactions from deleting the type until this one ends.
pub async fn get_locked<T: DeserializeOwned>(
    tx: &mut Tx,
    scope: &Scope,
    key: Key<'_>,
) -> Result<Option<Row<T>>, Error> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => return get(tx, scope, key).await,
        Dialect::Postgres => {
            "SELECT definition, tags, created, deleted FROM codepipeline_action_type
             WHERE account = $1 AND region = $2 AND category = $3 AND provider = $4 AND version = $5 FOR SHARE"
        }
    };
    let args = args![scope.account.as_str(), scope.region.as_str(), key.category, key.provider, key.version];
    tx.fetch_optional(sql, args).await?.as_ref().map(read).transpose()
}

/// All types that are not deleted, by category, provider and version.
pub async fn list<T: DeserializeOwned>(tx: &mut Tx, scope: &Scope) -> Result<Vec<Row<T>>, Error> {
    let sql = "SELECT definition, tags, created, deleted FROM codepipeline_action_type
               WHERE account = $1 AND region = $2 AND deleted IS NULL ORDER BY category, provider, version";
    tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str()]).await?.iter().map(read).collect()
}

/// Marks a type as deleted; false when there is none.
pub async fn delete(tx: &mut Tx, scope: &Scope, key: Key<'_>) -> Result<bool, Error> {
    let sql = "UPDATE codepipeline_action_type SET deleted = $6 WHERE account = $1 AND region = $2
               AND category = $3 AND provider = $4 AND version = $5 AND deleted IS NULL";
    let (account, region, now) = (scope.account.as_str(), scope.region.as_str(), tx.now());
    Ok(tx.execute(sql, args![account, region, key.category, key.provider, key.version, now]).await? > 0)
}

/// Takes the mark of a deleted type back, and gives it these tags.
pub async fn restore(tx: &mut Tx, scope: &Scope, key: Key<'_>, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE codepipeline_action_type SET deleted = NULL, tags = $6 WHERE account = $1 AND region = $2
               AND category = $3 AND provider = $4 AND version = $5";
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let args = args![account, region, key.category, key.provider, key.version, super::json(tags)];
    tx.execute(sql, args).await.map(|_| ())
}

/// Writes a type's tags.
pub async fn set_tags(tx: &mut Tx, scope: &Scope, key: Key<'_>, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE codepipeline_action_type SET tags = $6 WHERE account = $1 AND region = $2
               AND category = $3 AND provider = $4 AND version = $5 AND deleted IS NULL";
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let args = args![account, region, key.category, key.provider, key.version, super::json(tags)];
    tx.execute(sql, args).await.map(|_| ())
}

/// The ids of up to `limit` jobs of one queue in a status, oldest first, behind the job `after`.
pub async fn jobs(
    tx: &mut Tx,
    scope: &Scope,
    (queue, status): (&str, &str),
    after: Option<(Timestamp, &str)>,
    limit: u32,
) -> Result<Vec<(Timestamp, String)>, Error> {
    let sql = "SELECT created, id FROM machine WHERE kind = 'pipeline_job'
               AND account = $1 AND region = $2 AND parent = $3 AND status = $4
               AND (created > $5 OR (created = $5 AND id > $6)) ORDER BY created, id LIMIT $7";
    let (created, id) = after.map_or((i64::MIN, ""), |(at, id)| (at.micros(), id));
    let args = args![scope.account.as_str(), scope.region.as_str(), queue, status, created, id, limit];
    tx.fetch_all(sql, args).await?.iter().map(|row| Ok((row.time(0)?, row.text(1)?))).collect()
}

fn read<T: DeserializeOwned>(r: &SqlRow) -> Result<Row<T>, Error> {
    Ok(Row { definition: r.json(0)?, tags: r.json(1)?, created: r.time(2)?, is_deleted: r.opt_time(3)?.is_some() })
}
