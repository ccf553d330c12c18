//! Targets of rules.

use base::Scope;
use serde_json::Value;

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A stored target.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub rule: String,
    /// Names it within its rule.
    pub id: String,
    pub arn: String,
    /// As it was given, JSON.
    pub definition: Value,
    /// Who has put it (an ARN), as far as that was noted.
    pub put_by: Option<String>,
}

/// How often the targets of a rule were started, and could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub rule: String,
    pub started: i64,
    pub failed: i64,
}

const COLUMNS: &str = "rule, id, arn, definition, put_by";

/// Adds a target, or replaces it; what was counted of it stays.
pub async fn put(tx: &mut Tx, scope: &Scope, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO events_target (account, region, rule, id, arn, definition, put_by, started, failed)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)
               ON CONFLICT (account, region, rule, id) DO UPDATE SET arn = $5, definition = $6, put_by = $7";
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let (definition, by) = (row.definition.to_string(), row.put_by.as_deref());
    tx.execute(sql, args![account, region, &row.rule, &row.id, &row.arn, definition, by]).await.map(|_| ())
}

/// Targets of a rule by id, after `after`.
pub async fn of_rule(tx: &mut Tx, scope: &Scope, rule: &str, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events_target WHERE account = $1 AND region = $2 AND rule = $3 AND id > $4
         ORDER BY id LIMIT $5"
    );
    let args = args![scope.account.as_str(), scope.region.as_str(), rule, after, limit];
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}

/// The names of the rules that have this ARN for a target, after `after`.
pub async fn rules_of(tx: &mut Tx, scope: &Scope, arn: &str, after: &str, limit: u32) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT rule FROM events_target WHERE account = $1 AND region = $2 AND arn = $3 AND rule > $4
               ORDER BY rule LIMIT $5";
    let args = args![scope.account.as_str(), scope.region.as_str(), arn, after, limit];
    tx.fetch_all(sql, args).await?.iter().map(|row| row.text(0)).collect()
}

/// Counts one event that was delivered to a target, or could not be.
pub async fn count(tx: &mut Tx, scope: &Scope, rule: &str, id: &str, has_started: bool) -> Result<(), Error> {
    let sql = if has_started {
        "UPDATE events_target SET started = started + 1
         WHERE account = $1 AND region = $2 AND rule = $3 AND id = $4"
    } else {
        "UPDATE events_target SET failed = failed + 1
         WHERE account = $1 AND region = $2 AND rule = $3 AND id = $4"
    };
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), rule, id]).await.map(|_| ())
}

/// What was counted, of the rules of all accounts by name.
pub async fn counts(tx: &mut Tx) -> Result<Vec<Count>, Error> {
    let sql = "SELECT rule, CAST(SUM(started) AS BIGINT), CAST(SUM(failed) AS BIGINT) FROM events_target
               GROUP BY rule ORDER BY rule";
    let read = |row: &SqlRow| Ok(Count { rule: row.text(0)?, started: row.int(1)?, failed: row.int(2)? });
    tx.fetch_all(sql, &[]).await?.iter().map(read).collect()
}

/// Removes a target; gives whether there was one.
pub async fn delete(tx: &mut Tx, scope: &Scope, rule: &str, id: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM events_target WHERE account = $1 AND region = $2 AND rule = $3 AND id = $4";
    Ok(tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), rule, id]).await? == 1)
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        rule: row.text(0)?,
        id: row.text(1)?,
        arn: row.text(2)?,
        definition: row.json(3)?,
        put_by: row.opt_text(4)?,
    })
}
