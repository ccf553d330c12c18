//! Build projects.

use std::sync::Arc;

use base::{Scope, Timestamp};

use crate::{Error, SqlRow, Tx, args};

/// A stored project.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    /// Canonical JSON.
    pub config: Arc<serde_json::Value>,
    pub last_build: i64,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// What a list of projects is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    Name,
    Created,
    Modified,
}

/// Adds a project. A taken name is `Error::Duplicate`.
pub async fn insert(tx: &mut Tx, scope: &Scope, name: &str, config: &serde_json::Value) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO codebuild_project (account, region, name, config, last_build, created, modified)
         VALUES ($1, $2, $3, $4, 0, $5, $5)",
        args![scope.account.as_str(), scope.region.as_str(), name, config.to_string(), now],
    )
    .await?;
    Ok(())
}

/// The project of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT name, config, last_build, created, modified FROM codebuild_project
               WHERE account = $1 AND region = $2 AND name = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.as_ref().map(read).transpose()
}

/// All projects of a scope, by name.
pub async fn list(tx: &mut Tx, scope: &Scope) -> Result<Vec<Row>, Error> {
    let sql = "SELECT name, config, last_build, created, modified FROM codebuild_project
               WHERE account = $1 AND region = $2 ORDER BY name";
    tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str()]).await?.iter().map(read).collect()
}

/// One page of names with the sort key of each; `after` is the key and name of the last one seen.
pub async fn page(
    tx: &mut Tx,
    scope: &Scope,
    sort_by: SortBy,
    descending: bool,
    after: Option<(i64, &str)>,
    limit: u32,
) -> Result<Vec<(i64, String)>, Error> {
    macro_rules! page {
        ($key:literal, $than:literal, $order:literal) => {
            concat!(
                "SELECT ",
                $key,
                " AS k, name FROM codebuild_project WHERE account = $1 AND region = $2 AND (",
                $key,
                " ",
                $than,
                " $3 OR (",
                $key,
                " = $3 AND (name ",
                $than,
                " $4 OR $5 = 1))) ORDER BY k ",
                $order,
                ", name ",
                $order,
                " LIMIT $6"
            )
        };
    }
    let sql = match (sort_by, descending) {
        (SortBy::Name, false) => page!("CAST(0 AS BIGINT)", ">", "ASC"),
        (SortBy::Name, true) => page!("CAST(0 AS BIGINT)", "<", "DESC"),
        (SortBy::Created, false) => page!("created", ">", "ASC"),
        (SortBy::Created, true) => page!("created", "<", "DESC"),
        (SortBy::Modified, false) => page!("modified", ">", "ASC"),
        (SortBy::Modified, true) => page!("modified", "<", "DESC"),
    };
    let edge = match sort_by {
        SortBy::Name => 0,
        SortBy::Created | SortBy::Modified if descending => i64::MAX,
        SortBy::Created | SortBy::Modified => i64::MIN,
    };
    let (key, name) = after.unwrap_or((edge, ""));
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let rows = tx.fetch_all(sql, args![account, region, key, name, after.is_none(), limit]).await?;
    rows.iter().map(|r| Ok((r.int(0)?, r.text(1)?))).collect()
}

/// Changes a project; false when it does not exist.
pub async fn update(tx: &mut Tx, scope: &Scope, name: &str, config: &serde_json::Value) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE codebuild_project SET config = $4, modified = $5 WHERE account = $1 AND region = $2 AND name = $3",
            args![scope.account.as_str(), scope.region.as_str(), name, config.to_string(), now],
        )
        .await?;
    Ok(changed == 1)
}

/// Takes the next build number; `None` when the project does not exist.
pub async fn next_build(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<i64>, Error> {
    let sql = "UPDATE codebuild_project SET last_build = last_build + 1
               WHERE account = $1 AND region = $2 AND name = $3 RETURNING last_build";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.map(|r| r.int(0)).transpose()
}

/// Takes the next batch number; `None` when the project does not exist.
pub async fn next_batch(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<i64>, Error> {
    let sql = "UPDATE codebuild_project SET last_batch = last_batch + 1
               WHERE account = $1 AND region = $2 AND name = $3 RETURNING last_batch";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.map(|r| r.int(0)).transpose()
}

/// Removes a project; its builds stay.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM codebuild_project WHERE account = $1 AND region = $2 AND name = $3",
        args![scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        name: row.text(0)?,
        config: row.shared_json(1)?,
        last_build: row.int(2)?,
        created: row.time(3)?,
        modified: row.time(4)?,
    })
}
