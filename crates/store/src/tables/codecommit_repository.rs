//! Repositories.

use base::{Scope, Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args, machine};

/// A repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// A UUID; also the name of its folder on disk.
    pub id: String,
    pub scope: Scope,
    pub name: String,
    pub description: Option<String>,
    /// Without `refs/heads/`; none until the first branch exists.
    pub default_branch: Option<String>,
    pub tags: Tags,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Counts the changes of refs.
    pub ref_number: i64,
}

/// What a list of repositories is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Name,
    Updated,
}

const COLUMNS: &str = "id, account, region, name, description, default_branch, tags, created, updated, ref_number";

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        id: row.text(0)?,
        scope: machine::scope(row.text(1)?, row.text(2)?)?,
        name: row.text(3)?,
        description: row.opt_text(4)?,
        default_branch: row.opt_text(5)?,
        tags: row.json(6)?,
        created: row.time(7)?,
        updated: row.time(8)?,
        ref_number: row.int(9)?,
    })
}

fn tags_text(tags: &Tags) -> Result<String, Error> {
    serde_json::to_string(tags).map_err(|source| Error::BadInput { kind: "tags".to_owned(), source })
}

/// Adds a repository. `Error::Duplicate` when the name is taken.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO codecommit_repository \
               (id, account, region, name, description, default_branch, tags, created, updated, ref_number) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let Row { id, scope, name, description, default_branch, tags, created, updated, ref_number } = row;
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let (description, default_branch) = (description.clone(), default_branch.clone());
    let tags = tags_text(tags)?;
    let args = args![id, account, region, name, description, default_branch, tags, *created, *updated, *ref_number];
    tx.execute(sql, args).await.map(|_| ())
}

/// The repository with this name.
pub async fn find(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM codecommit_repository WHERE account = $1 AND region = $2 AND name = $3");
    let args = args![scope.account.as_str(), scope.region.as_str(), name];
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args).await?.as_ref().map(read).transpose()
}

/// The repository with this id.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM codecommit_repository WHERE id = $1");
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![id]).await?.as_ref().map(read).transpose()
}

/// The repositories of an account that have this name, in whatever region.
pub async fn find_in_account(tx: &mut Tx, account: &str, name: &str) -> Result<Vec<Row>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM codecommit_repository WHERE account = $1 AND name = $2 ORDER BY created, id");
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args![account, name]).await?.iter().map(read).collect()
}

/// At most `limit` repositories behind `after` (the key of the last row seen: name, or time and name).
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    order: Order,
    descending: bool,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Row>, Error> {
    let (direction, beyond) = if descending { ("DESC", "<") } else { ("ASC", ">") };
    // Every placeholder is named in either form, as PostgreSQL wants to know the type of each.
    let (key, behind) = match order {
        Order::Name => ("name", format!("($4 >= 0 AND name {beyond} $5)")),
        Order::Updated => ("updated", format!("(updated {beyond} $4 OR (updated = $4 AND name {beyond} $5))")),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM codecommit_repository WHERE account = $1 AND region = $2 AND ($3 = 0 OR {behind}) \
         ORDER BY {key} {direction}, name {direction} LIMIT $6"
    );
    let bounded = after.is_some();
    let (time, name) = after.unwrap_or_default();
    let args = args![scope.account.as_str(), scope.region.as_str(), bounded, time, name, limit];
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}

/// The ids of all repositories of all accounts.
pub async fn ids(tx: &mut Tx) -> Result<Vec<String>, Error> {
    tx.fetch_all("SELECT id FROM codecommit_repository ORDER BY id", &[]).await?.iter().map(|r| r.text(0)).collect()
}

/// Writes name, description, tags and time of the last change. `Error::Duplicate` when the new name is taken.
pub async fn update(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "UPDATE codecommit_repository SET name = $2, description = $3, tags = $4, updated = $5 WHERE id = $1";
    let Row { id, name, description, tags, updated, .. } = row;
    let args = args![id, name, description.clone(), tags_text(tags)?, *updated];
    tx.execute(sql, args).await.map(|_| ())
}

/// Sets the default branch.
pub async fn set_default_branch(tx: &mut Tx, id: &str, branch: &str) -> Result<(), Error> {
    let sql = "UPDATE codecommit_repository SET default_branch = $2 WHERE id = $1";
    tx.execute(sql, args![id, branch]).await.map(|_| ())
}

/// Takes the next number, which also keeps other transactions from changing this repository's refs until the end
/// of this one. Gives the row as it then is, or `None` when it is gone.
pub async fn next_number(tx: &mut Tx, id: &str, now: Timestamp) -> Result<Option<Row>, Error> {
    let sql = "UPDATE codecommit_repository SET ref_number = ref_number + 1, updated = $2 WHERE id = $1";
    if tx.execute(sql, args![id, now]).await? == 0 {
        return Ok(None);
    }
    get(tx, id).await
}

/// Deletes a repository and its refs.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM codecommit_repository WHERE id = $1", args![id]).await?;
    super::codecommit_push::forget(tx, id).await?;
    tx.execute("DELETE FROM codecommit_ref WHERE repository = $1", args![id]).await.map(|_| ())
}
