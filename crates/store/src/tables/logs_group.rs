//! Log groups.

use base::{Scope, Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A log group.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: i64,
    pub name: String,
    pub class: String,
    pub kms_key: Option<String>,
    pub retention_days: Option<i64>,
    pub tags: Tags,
    pub created: Timestamp,
    /// Bytes of all messages.
    pub stored_bytes: i64,
}

/// A group to add.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub name: String,
    pub class: String,
    pub kms_key: Option<String>,
    pub tags: Tags,
    pub created: Timestamp,
}

const SELECT: &str = "SELECT g.id, g.name, g.class, g.kms_key, g.retention_days, g.tags, g.created, \
    CAST(COALESCE((SELECT SUM(s.stored_bytes) FROM logs_stream s WHERE s.log_group = g.id), 0) AS BIGINT) \
    FROM logs_group g";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        id: r.int(0)?,
        name: r.text(1)?,
        class: r.text(2)?,
        kms_key: r.opt_text(3)?,
        retention_days: r.opt_int(4)?,
        tags: r.json(5)?,
        created: r.time(6)?,
        stored_bytes: r.int(7)?,
    })
}

/// Adds a group; gives its id, or `None` when the name is taken.
pub async fn insert(tx: &mut Tx, scope: &Scope, new: &NewRow) -> Result<Option<i64>, Error> {
    let sql = "INSERT INTO logs_group (account, region, name, class, kms_key, tags, created) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, region, name) DO NOTHING RETURNING id";
    let args = args![
        scope.account.as_str(),
        scope.region.as_str(),
        &new.name,
        &new.class,
        new.kms_key.clone(),
        super::json(&new.tags),
        new.created,
    ];
    tx.fetch_optional(sql, args).await?.map(|r| r.int(0)).transpose()
}

/// The id of a group; cheaper than the whole row.
pub async fn find(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<(i64, Option<i64>)>, Error> {
    let sql = "SELECT id, retention_days FROM logs_group WHERE account = $1 AND region = $2 AND name = $3";
    let found = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    found.map(|r| Ok((r.int(0)?, r.opt_int(1)?))).transpose()
}

/// The group of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE g.account = $1 AND g.region = $2 AND g.name = $3"));
    let found = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    found.as_ref().map(row).transpose()
}

/// Which groups a listing has.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub prefix: String,
    /// A part of the name, compared without regard to case.
    pub part: String,
    /// Any class when empty.
    pub class: String,
}

/// Groups by name, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, filter: &Filter, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{SELECT} WHERE g.account = $1 AND g.region = $2 AND g.name > $3 \
         AND substr(g.name, 1, length($4)) = $4 AND ($5 = '' OR replace(lower(g.name), $5, '') <> lower(g.name)) \
         AND ($6 = '' OR g.class = $6) ORDER BY g.name LIMIT $7"
    ));
    let args = args![
        scope.account.as_str(),
        scope.region.as_str(),
        after,
        &filter.prefix,
        filter.part.to_ascii_lowercase(),
        &filter.class,
        limit,
    ];
    tx.fetch_all(sql, args).await?.iter().map(row).collect()
}

/// Sets or clears the retention.
pub async fn set_retention(tx: &mut Tx, id: i64, days: Option<i64>) -> Result<(), Error> {
    tx.execute("UPDATE logs_group SET retention_days = $1 WHERE id = $2", args![days, id]).await.map(|_| ())
}

/// Replaces the tags.
pub async fn set_tags(tx: &mut Tx, id: i64, tags: &Tags) -> Result<(), Error> {
    tx.execute("UPDATE logs_group SET tags = $1 WHERE id = $2", args![super::json(tags), id]).await.map(|_| ())
}

/// Ids and days of all groups, in all accounts, that have a retention.
pub async fn with_retention(tx: &mut Tx) -> Result<Vec<(i64, i64)>, Error> {
    let sql = "SELECT id, retention_days FROM logs_group WHERE retention_days IS NOT NULL ORDER BY id";
    tx.fetch_all(sql, &[]).await?.iter().map(|r| Ok((r.int(0)?, r.int(1)?))).collect()
}

/// Removes a group with its streams; their events are left to `logs_event::sweep_garbage`.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let note = "INSERT INTO logs_garbage (stream) SELECT id FROM logs_stream WHERE log_group = $1";
    tx.execute(note, args![id]).await?;
    tx.execute("DELETE FROM logs_stream WHERE log_group = $1", args![id]).await?;
    tx.execute("DELETE FROM logs_group WHERE id = $1", args![id]).await.map(|_| ())
}
