//! Rules of the default event bus.

use base::{Scope, Tags};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A stored rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    /// As it was given.
    pub pattern: Option<String>,
    /// As it was given.
    pub schedule: Option<String>,
    /// The machine that fires the schedule.
    pub machine: Option<String>,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    pub description: Option<String>,
    pub role: Option<String>,
    pub tags: Tags,
}

const COLUMNS: &str = "name, pattern, schedule, machine, state, description, role, tags";

/// Adds a rule, or replaces it.
pub async fn put(tx: &mut Tx, scope: &Scope, row: &Row) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO events_rule (account, region, name, pattern, schedule, machine, state, description, role, tags)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (account, region, name) DO UPDATE
         SET pattern = $4, schedule = $5, machine = $6, state = $7, description = $8, role = $9, tags = $10",
        args![
            scope.account.as_str(),
            scope.region.as_str(),
            &row.name,
            row.pattern.as_deref(),
            row.schedule.as_deref(),
            row.machine.as_deref(),
            &row.state,
            row.description.as_deref(),
            row.role.as_deref(),
            super::json(&row.tags)
        ],
    )
    .await
    .map(|_| ())
}

/// The rule of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM events_rule WHERE account = $1 AND region = $2 AND name = $3");
    let args = args![scope.account.as_str(), scope.region.as_str(), name];
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args).await?.as_ref().map(read).transpose()
}

/// Rules whose names begin with `prefix`, by name, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, prefix: &str, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events_rule WHERE account = $1 AND region = $2 AND name > $3
         AND substr(name, 1, length($4)) = $4 ORDER BY name LIMIT $5"
    );
    let args = args![scope.account.as_str(), scope.region.as_str(), after, prefix, limit];
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}

/// How many rules there are.
pub async fn count(tx: &mut Tx, scope: &Scope) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM events_rule WHERE account = $1 AND region = $2";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str()]).await?;
    row.map_or(Ok(0), |r| r.int(0))
}

/// The enabled rules that have a pattern, by name.
pub async fn with_patterns(tx: &mut Tx, scope: &Scope) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events_rule
         WHERE account = $1 AND region = $2 AND state = 'ENABLED' AND pattern IS NOT NULL ORDER BY name"
    );
    let args = args![scope.account.as_str(), scope.region.as_str()];
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}

/// The machines of the schedules of all accounts.
pub async fn machines(tx: &mut Tx) -> Result<Vec<String>, Error> {
    let sql = "SELECT machine FROM events_rule WHERE machine IS NOT NULL ORDER BY machine";
    tx.fetch_all(sql, &[]).await?.iter().map(|row| row.text(0)).collect()
}

/// Removes a rule.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), Error> {
    let sql = "DELETE FROM events_rule WHERE account = $1 AND region = $2 AND name = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await.map(|_| ())
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        name: row.text(0)?,
        pattern: row.opt_text(1)?,
        schedule: row.opt_text(2)?,
        machine: row.opt_text(3)?,
        state: row.text(4)?,
        description: row.opt_text(5)?,
        role: row.opt_text(6)?,
        tags: row.json(7)?,
    })
}
