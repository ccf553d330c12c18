//! Notification rules.

use base::{Scope, Tags, Timestamp};

use crate::sql::{Arg, SqlRow, parts, places};
use crate::{Error, Tx, args, machine};

/// A stored rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub scope: Scope,
    /// 40 hexadecimal digits.
    pub id: String,
    pub name: String,
    /// The ARN of the resource whose events are told.
    pub resource: String,
    /// The model's `DetailType`.
    pub detail_type: String,
    /// The model's `NotificationRuleStatus`.
    pub status: String,
    pub event_types: Vec<String>,
    /// The ARN of who made it.
    pub created_by: String,
    /// A digest of the request that made it.
    pub request: String,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub tags: Tags,
}

const COLUMNS: &str = "account, region, id, name, resource, detail_type, status, event_types, created_by, request,
                       created, modified, tags";

/// Adds a rule; false when its name or its id is taken.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<bool, Error> {
    let sql = format!(
        "INSERT INTO codestar_notifications_rule ({COLUMNS})
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
    );
    let args = args![
        row.scope.account.as_str(),
        row.scope.region.as_str(),
        &row.id,
        &row.name,
        &row.resource,
        &row.detail_type,
        &row.status,
        super::json_list(&row.event_types),
        &row.created_by,
        &row.request,
        row.created,
        row.modified,
        super::json(&row.tags)
    ];
    Ok(tx.execute(sqlx::AssertSqlSafe(sql), args).await? == 1)
}

/// Writes what may change of a rule.
pub async fn update(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "UPDATE codestar_notifications_rule
               SET name = $4, detail_type = $5, status = $6, event_types = $7, modified = $8, tags = $9
               WHERE account = $1 AND region = $2 AND id = $3";
    let args = args![
        row.scope.account.as_str(),
        row.scope.region.as_str(),
        &row.id,
        &row.name,
        &row.detail_type,
        &row.status,
        super::json_list(&row.event_types),
        row.modified,
        super::json(&row.tags)
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// The rule of this id.
pub async fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<Row>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM codestar_notifications_rule WHERE account = $1 AND region = $2 AND id = $3");
    let args = args![scope.account.as_str(), scope.region.as_str(), id];
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args).await?.as_ref().map(read).transpose()
}

/// The id of the rule of this name.
pub async fn named(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT id FROM codestar_notifications_rule WHERE account = $1 AND region = $2 AND name = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// The rules of a resource.
pub async fn of_resource(tx: &mut Tx, scope: &Scope, resource: &str) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM codestar_notifications_rule WHERE account = $1 AND region = $2 AND resource = $3
         ORDER BY id"
    );
    let args = args![scope.account.as_str(), scope.region.as_str(), resource];
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}

/// The rules of any of these resources, by id.
pub async fn of_resources(tx: &mut Tx, scope: &Scope, resources: &[&str]) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for part in parts(resources) {
        let sql = format!(
            "SELECT {COLUMNS} FROM codestar_notifications_rule WHERE account = $1 AND region = $2 AND resource IN {}",
            places(3, part.len())
        );
        let mut args = args![scope.account.as_str(), scope.region.as_str()].to_vec();
        args.extend(part.iter().map(|resource| Arg::from(*resource)));
        for row in tx.fetch_all(sqlx::AssertSqlSafe(sql), &args).await? {
            rows.push(read(&row)?);
        }
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rows)
}

/// How many rules there are.
pub async fn count(tx: &mut Tx, scope: &Scope) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM codestar_notifications_rule WHERE account = $1 AND region = $2";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str()]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Rules by id, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM codestar_notifications_rule WHERE account = $1 AND region = $2 AND id > $3
         ORDER BY id LIMIT $4"
    );
    let args = args![scope.account.as_str(), scope.region.as_str(), after, limit];
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}

/// Removes a rule with its subscriptions. Its targets stay.
pub async fn delete(tx: &mut Tx, scope: &Scope, id: &str) -> Result<(), Error> {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let sql = "DELETE FROM codestar_notifications_subscription WHERE account = $1 AND region = $2 AND rule = $3";
    tx.execute(sql, args![account, region, id]).await?;
    let sql = "DELETE FROM codestar_notifications_rule WHERE account = $1 AND region = $2 AND id = $3";
    tx.execute(sql, args![account, region, id]).await.map(|_| ())
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        scope: machine::scope(row.text(0)?, row.text(1)?)?,
        id: row.text(2)?,
        name: row.text(3)?,
        resource: row.text(4)?,
        detail_type: row.text(5)?,
        status: row.text(6)?,
        event_types: row.json(7)?,
        created_by: row.text(8)?,
        request: row.text(9)?,
        created: row.time(10)?,
        modified: row.time(11)?,
        tags: row.json(12)?,
    })
}
